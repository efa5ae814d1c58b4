"""Makes the plugin available in a clone that was never installed; an installed one is found by its entry point."""

pytest_plugins = ["harness.pytest_plugin"]
