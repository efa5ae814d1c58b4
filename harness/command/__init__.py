"""The use cases of the one-shot commands: chat, download, smoke, rescoring stored outputs.

What a command does, independent of how it is typed: nothing here knows click or pytest. A full run over models and
tasks is not here but in `harness.run`. Start with `chat`, the richest of them.
"""
