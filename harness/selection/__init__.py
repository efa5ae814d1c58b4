"""Which models: `selection` (patterns), `need` and `ranking` (one model for a kind of work), `memory`, `reference`.

Pure functions over the listing. Loading them is `harness.lifecycle`'s work.
"""
