"""Who takes part, and what is asked of all: the same samples, the same model, as many requests at a time."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SAMPLES = "samples.jsonl"
"""The file in a job's folder with an `input` and a `target` in each line. The null server answers with the input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """So many samples, so many at a time.

    Attributes:
        folder: where the job runs, and leaves what it leaves.
        environment: the folder with the peer's own environment.
        is_durable: it will be killed, so the peer keeps what it can keep on the way, even if that takes time.
    """

    url: str
    model: str
    samples: int
    concurrency: int
    folder: Path
    environment: Path
    is_durable: bool = False

    def write_samples(self) -> None:
        """Write the samples into the folder."""
        texts = (f"Number {number:05d}" for number in range(self.samples))
        lines = (json.dumps({"input": text, "target": text}) for text in texts)
        (self.folder / SAMPLES).write_text("\n".join(lines) + "\n")

    @property
    def variables(self) -> dict[str, str]:
        """What the programs of the peers read from the environment."""
        return {"BENCH_URL": self.url, "BENCH_MODEL": self.model, "BENCH_CONCURRENCY": str(self.concurrency)}


Command = Callable[[Job], list[str]]
"""Writes what the peer needs into the job's folder, and returns the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One of those that race.

    Attributes:
        packages: what is installed into its environment, with versions.
        installer: which tool installs it.
        command: the command of a job.
        resume: the command that goes on after a kill; None: there is none, so the job is started again.
        environ: variables besides those of the job.
        extra_requests: chats besides those of the samples, such as a warm-up.
        asks: False for one that only starts.
        how: how it was configured, for the documentation.
    """

    name: str
    packages: tuple[str, ...]
    command: Command
    how: str
    installer: Literal["pip", "npm", "wheel"] = "pip"
    resume: Command | None = None
    environ: Mapping[str, str] = field(default_factory=dict)
    extra_requests: int = 0
    asks: bool = True

    @property
    def folder(self) -> str:
        """The name of its folder: without spaces."""
        return self.name.replace(" ", "-")
