"""Pure data and its invariants: models, requests, answers, samples, scores, and the records of a run file.

Nothing here reads, writes, waits or decides what to do next, and nothing here imports another room except `errors`.
Start with `model` and `generation` for what a server says, `sample` and `answer` for what is asked, `record` for what
is stored.
"""
