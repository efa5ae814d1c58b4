"""Records -> table."""
