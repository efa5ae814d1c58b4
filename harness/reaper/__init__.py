"""The process that outlives a run, and what it shares with the run: journal, locks, the rules for open leases.

`link` is the run's end of the pipe and `process` the other end; `reconcile` decides what to do with an open lease and
`sweep` does so for dead runs. `process` and what it imports before it has work use the standard library alone, so that
it starts in milliseconds. Start with docs/adr/0003.
"""
