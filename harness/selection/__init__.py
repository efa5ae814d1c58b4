"""Which models: pure functions over the server's listing.

`selection` finds models by key or pattern: start there. `need` and `ranking` find the best one for a kind of work,
`reference` the one that others are compared with, and `memory` says what would fit. Nothing here asks a server or loads
a model: that is `harness.lifecycle`.
"""
