"""`python -m harness.cli`, the same as `lms-harness`."""

from harness.cli.main import main

main()
