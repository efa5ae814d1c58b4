"""Campaigns: the guarantees of docs/adr/0003, earned by killing real runs at random moments (Linux).

    python -m tests.torture.campaign kill --runs 500
    python -m tests.torture.campaign writer --kills 1000

The first may be run against one's own LM Studio as well: `kill --url URL --model KEY`. What it loads, it unloads.
"""
