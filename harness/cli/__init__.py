"""The command line, `lms-harness`: each module is a command, which translates its options, calls, and prints.

What a command does lives in `harness.command` and `harness.run`; nothing is decided here. `option`, `connection`,
`output` and `stream` are what commands share: everything is printed through `output`. Start with `main`, which lists
the commands and turns errors into exit codes. Slow imports stand inside functions, so that `--help` and Tab stay quick.
"""

from harness.cli.main import main

__all__ = ["main"]
