"""Who owns which instance: leases from the load to the verified release.

Start with `leases`, which runs, commands and library users hold. Behind it, `loader` and `attempt` make an instance,
`custody` knows whether what has its id is still ours, `release` unloads it or says why not, and `stray` keeps what
requests loaded without a lease. What becomes of a load whose answer was lost is decided in `harness.reaper`, not here.
"""
