"""A run in the making against a scripted LM Studio, with a task that wants its prompt repeated."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from harness.client.deadline import Deadlines
from harness.client.http import Client
from harness.clock import Clock
from harness.domain.model import LoadConfig, Model
from harness.domain.record import (
    Record,
    SummaryRecord,
)
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.run.run import Run
from harness.settings import Settings
from harness.store.reader import read_run
from harness.task.task import Task
from harness.testing.scripted import ScriptedServer
from tests.run.silent import Silent

KEY = "acme/tiny-1b"
CHAT = "/api/v1/chat"
R = TypeVar("R", bound=Record)


class Echo:
    """1 for an answer that repeats the target."""

    name = "echo"
    version = "1"

    def __call__(self, output: str, target: Any) -> Score:
        return Score(value=float(output == target), passed=output == target)


def samples(seed: int, n: int) -> list[Sample]:
    return [
        Sample(item_id=f"echo-{seed}-{i}", prompt=f"say {i}", target=f"say {i}", tier=i % 3 + 1, cluster_id=str(i))
        for i in range(n)
    ]


TASK = Task(name="echo", task_class="echo", generate=samples, scorer=Echo(), max_output_tokens=20, prompt_tokens=40)


@dataclass
class Bench:
    """A run in the making, and its file."""

    server: ScriptedServer
    run: Run

    @property
    def model(self) -> Model:
        return next(model for model in self.run.client.models() if model.key == KEY)

    def evaluate(self) -> SummaryRecord:
        with self.run.leased(self.model, LoadConfig(context_length=2048)) as leased:
            return self.run.evaluate(TASK, leased)

    def records(self, kind: type[R]) -> list[R]:
        return [record for record in read_run(self.run.path) if isinstance(record, kind)]


Make = Callable[..., Bench]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    monkeypatch.setenv("LMS_HARNESS_STATE", str(tmp_path / "state"))
    closing: list[Callable[[], None]] = []

    def build(
        *, argv: Sequence[str] = (), server: ScriptedServer | None = None, clock: Clock | None = None, **settings: Any
    ) -> Bench:
        scripted = server or ScriptedServer(token_s=settings.pop("token_s", 0.0))
        scripted.start()
        closing.append(scripted.close)
        given = {"limit": 6, "results": tmp_path / "results", "url": scripted.url, **settings}
        client = Client(scripted.url, token=given.get("token", "lmstudio"), deadlines=Deadlines(idle_s=5.0))
        closing.append(client.close)
        run = Run(
            Settings(**given),
            client,
            server_kind="lm-studio",
            listing=client.models(),
            progress=Silent(),
            plan={"tasks": {"echo": "hash"}},
            argv=argv,
            clock=clock,
        )
        closing.append(run.recorder._writer.close)
        return Bench(scripted, run)

    yield build
    for close in closing:
        close()
