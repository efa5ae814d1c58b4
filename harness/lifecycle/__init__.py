"""Who owns which instance: selection, lease, journal. The contract is in docs/design.md, Lifecycle."""
