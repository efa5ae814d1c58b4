"""What a model is asked to do: tasks and their samples.

`task` is the definition: start there. `tier` and `dice` generate samples from templates, `catalogue` finds the task
classes that ship, and `prompt` and `image` read input that a user gives. Nothing here asks a model.
"""
