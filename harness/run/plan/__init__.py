"""What a run will ask and about how long it takes, known before anything is loaded.

Start with `plan`. `estimate` says what models and tasks cost, from earlier runs (`history`) or guessed from sizes.
`budget` says how much of it fits into a given time, and `pace` keeps a run to that. Nothing here loads or asks.
"""
