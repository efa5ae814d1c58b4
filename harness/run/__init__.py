"""One run: models loaded in turn, tasks asked, every record written as it happens.

`session` goes from settings to an open run and closes it; `run` evaluates; `recorder` writes. `ask` turns one sample
into an answer, `plan` says in advance what a run does and costs, `resume` continues an unfinished one. What the figures
mean is decided in `harness.verdict`, how they look in `harness.report`.
"""
