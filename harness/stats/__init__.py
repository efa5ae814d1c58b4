"""Statistics as pure functions: numbers in, estimates and decisions out, with the source of every formula.

No I/O, no records, no wording for tables; `harness.verdict` brings the numbers, docs/statistics.md explains them to
users. numpy and scipy are imported inside functions, as importing them takes up to a second; `beta` does without.
Start with `decision`.
"""
