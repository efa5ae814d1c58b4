"""A user's own tasks: a TOML file that says what is asked and judged, and a data file with a sample a row.

`own_task` loads them: start there. `definition` reads the TOML, `template` fills in columns, `target` makes targets,
`order` decides which rows a limit takes. `task_row` and `kept_sample` keep rows and samples on the disk. `format` has
one module for each format of data; its `protocol` is what the next one implements. docs/own-tasks.md describes every
field. Nothing here asks a model.
"""
