"""Scorers: pure functions from an answer and its target to a score, one family a file.

A file named after a scorer (`choice`, `number`, `fields`) checks targets and gives scores; beside it stand the readers
that find what an answer says (`label_answer`, `number_answer`, `json_answer`). Nothing here reads a file, the clock or
the network. Start with `text.visible`, the text that all scorers judge, and `answer`, which finds the final answer
in it; `registry` names the scorers, and docs/scorers.md describes them.
"""
