"""The client of LM Studio."""
