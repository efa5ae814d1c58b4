"""One run: models loaded in turn, tasks asked, every record written as it happens.

`session` goes from settings to an open run and closes it: start there. `run` evaluates, `recorder` writes. `ask` turns
a sample into an answer, `plan` says in advance what a run does and how long it takes, `resume` continues an unfinished
one. What the figures mean is decided in `harness.verdict`; how they look, in `harness.report`.
"""
