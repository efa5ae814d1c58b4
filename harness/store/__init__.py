"""Append-only run files."""
