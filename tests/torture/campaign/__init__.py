"""The kill and writer campaigns: what docs/adr/0003 promises, proved by killing real runs at random moments (Linux).

    python -m tests.torture.campaign kill --runs 500
    python -m tests.torture.campaign writer --kills 1000

`kill` plans and starts runs, `victim` is one of them, `foreign` loads and unloads beside them, `watch` decides whose
each listed instance is, `settle` follows killed runs to their end, and `table` judges. With `--url URL --model KEY` it
kills runs against an LM Studio of your own; what it loads, it unloads.
"""
