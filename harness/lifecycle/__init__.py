"""Who owns which instance."""
