"""Pure numbers -> numbers."""
