"""The process that outlives a run, and what it shares with the run: journal, locks, the rules for open leases.

Start with docs/adr/0003 and `process`, the reaper itself; `link` is the run's end of the pipe, on a `channel`, and
`carrier` and `relay` are the two ends of a chat that the reaper sends. `reconcile` decides what becomes of an open
lease, and `sweep` applies it to dead runs. `process` and what it imports before it has work use the
standard library alone.
"""
