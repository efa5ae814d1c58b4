"""Slow campaigns that earn the guarantees: thousands of real kills, with figures. Each has its make target.

Here live the campaigns themselves, which `make test` runs only in small; what they need of the harness they import, and
nothing of the harness imports them, so the wheel does not carry them. Statistical tests of the same kind stand beside
what they test, marked `torture`. Start with `campaign/__main__.py`, which lists the commands.
"""
