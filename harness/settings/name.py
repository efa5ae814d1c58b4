"""How code below the edges refers to a setting in a message, without knowing how its user writes it.

A message says "setting `url`"; `Surface.render` makes that `--url` on the command line, `--lms-url` in pytest and
`lms_url` in an ini file. Where no edge renders it, such as in a library user's own program, it still reads well.
"""

import re
from typing import Literal

SettingName = Literal[
    "url",
    "token",
    "models",
    "exclude",
    "max_size_bytes",
    "tasks",
    "own_tasks",
    "limit",
    "epochs",
    "seed",
    "load",
    "unload",
    "context_length",
    "reasoning",
    "concurrency",
    "max_output_tokens",
    "floors",
    "primary",
    "margin",
    "baselines",
    "reducer",
    "until_decided",
    "latency_budget_s",
    "thorough",
    "sample_deadline_s",
    "budget_s",
    "resume",
    "results",
    "review",
    "details",
    "share_results",
    "no_prompts",
    "models_dir",
]
"""The fields of `Settings` that a user can set."""

REFERENCE = re.compile(r"setting `(?P<name>[a-z_]+)(?: = (?P<value>[^`]*))?`")
"""What `setting` writes."""


def setting(name: SettingName, value: str | None = None) -> str:
    """Return a reference to a setting, or to a setting with a value, for use in a message or a hint."""
    return f"setting `{name}`" if value is None else f"setting `{name} = {value}`"
