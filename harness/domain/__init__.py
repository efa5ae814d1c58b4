"""Pure data and its invariants; no input or output."""
