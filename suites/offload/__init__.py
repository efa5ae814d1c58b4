"""Tasks that people hand to a local model; each folder exports one TASK."""
