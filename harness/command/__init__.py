"""What the one-shot commands do: chat, download, smoke, and scoring of stored outputs.

Nothing here knows click or pytest: `harness.cli` parses options and prints. A run over models and tasks is not here but
in `harness.run`. Start with `chat`, the richest of them; `request` makes its request fit the model.
"""
