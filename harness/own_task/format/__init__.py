"""The formats of data files, one a module. `protocol` says what a format does, and lists them: start there."""
