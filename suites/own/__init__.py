"""The user's own tasks: what `--tasks DIR` names (docs/own-tasks.md)."""
