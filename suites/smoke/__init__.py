"""Does this model load, answer, keep state, and unload? Smoke proves the plumbing, not the model."""
