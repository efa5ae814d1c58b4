"""The project's own tests.

This is a regular package on purpose. Some distributions leave a package `tests` in site-packages, and Python prefers a
regular package anywhere on the path to a folder without `__init__.py` in the current one: `python -m tests.torture.…`
would run theirs.
"""
