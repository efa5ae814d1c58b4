"""Part of the suites that the harness ships."""
