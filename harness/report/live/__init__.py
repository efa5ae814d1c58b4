"""What a run shows at the bottom of a terminal while it works. Start with `progress`.

`standing` is how far the run has got, `forecast` how long it still takes, `picture` what is drawn of that, and `region`
draws it. Only a run on a terminal imports rich.
"""
