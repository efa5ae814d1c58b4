"""A real LM Studio-compatible server on llama.cpp, for machines without LM Studio."""
