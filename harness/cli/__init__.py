"""The command line: `lms-harness`. Each command translates its options and calls; imports that cost are inside."""

from harness.cli.main import main

__all__ = ["main"]
