"""Pure (answer, target) -> score; one family a file."""
