"""What a run will ask and about how long it takes, known before anything is loaded.

`plan` is the whole; `estimate` and `history` say what things cost, `budget` what fits into a given time, and `pace`
keeps the run to it.
"""
