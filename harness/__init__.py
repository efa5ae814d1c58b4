"""Decide, with evidence, which tasks can be handed to which local model."""
