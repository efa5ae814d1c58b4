"""Kills runs at random moments and resumes them until they finish: the result must be that of an undisturbed run.

`python -m tests.torture.resume_campaign --kills 200`. Each run is a pytest of its own, killed with SIGKILL; the
server is a scripted one in this process, whose answers are a function of model and prompt.
"""

import argparse
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from harness.domain.record import Record, RunRecord, SampleRecord, ScoreRecord, SummaryRecord
from harness.errors import StoreError
from harness.store.reader import read_header, read_run
from harness.store.run_file import RunFile
from harness.store.run_folder import last_unfinished
from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

Result: TypeAlias = frozenset[str]
"""What a reader makes of a run file: every answer with its score, and every cell."""

_RUN_S = 120.0
_START_S = 0.5
_JITTER_S = 0.03
_EARLY_SHARE = 0.15
_POLL_S = 0.01
OWN_TESTS = """
import pytest
from harness import RunTask, Sample, Score, Task

class Echo:
    name, version = "echo", "1"
    def __call__(self, output, target):
        return Score(value=float(output == target), passed=output == target)

def task(name):
    def samples(seed, n):
        words = [f"{name} {i}" for i in range(n)]
        return [Sample(item_id=text, prompt=text, target=text, cluster_id=text) for text in words]
    return Task(name=name, task_class=name, generate=samples, scorer=Echo(), max_output_tokens=20, prompt_tokens=40)

ONE, TWO = task("one"), task("two")

@pytest.mark.lms_task(ONE)
def test_one(lms_run_task: RunTask) -> None:
    lms_run_task(ONE)

@pytest.mark.lms_task(TWO)
def test_two(lms_run_task: RunTask) -> None:
    lms_run_task(TWO)

def test_is_listed(lms_client, lms_instance) -> None:
    assert any(model.instance(lms_instance.instance_id) for model in lms_client.models())
"""
"""A user's tests: two tasks whose answers are right when they repeat the prompt, and a test that asks nothing."""


class CampaignFailed(Exception):
    """A killed and resumed run differs from a whole one."""


@dataclass(slots=True, kw_only=True)
class ResumeTally:
    """What a campaign has seen so far."""

    kills: int = 0
    chains: int = 0
    resumed: int = 0
    carried: int = 0
    asked: int = 0

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.chains} chains of runs, each like a whole run; {self.resumed} runs resumed "
            f"another and took over {self.carried} answers; {self.asked} samples asked, none that had been recorded"
        )


class Campaign:
    """Runs, kills and resumes in a folder of its own.

    Args:
        folder: for tests, run files and state.
        url: of the server.
        seed: of the moments of the kills.
    """

    def __init__(self, folder: Path, *, url: str, seed: int) -> None:
        self._folder = folder
        self._url = url
        self._random = random.Random(seed)
        self._tests = folder / "test_own.py"
        self._tests.write_text(OWN_TESTS)
        (folder / "pytest.ini").write_text("[pytest]\n")
        self._whole_bytes = 0
        self.tally = ResumeTally()

    def run(self, kills: int) -> ResumeTally:
        """Kill so many runs, each resumed until one finishes, and return what was seen.

        Raises:
            CampaignFailed: what differs from a whole run.
        """
        path = self._finish(self._folder / "whole")
        self._whole_bytes = path.stat().st_size
        whole = result(list(read_run(path)))
        while self.tally.kills < kills:
            results = self._folder / f"chain-{self.tally.chains}"
            got = result(list(read_run(self._chain(results, most=kills - self.tally.kills))))
            if got != whole:
                raise CampaignFailed(
                    f"{results}: missing {sorted(whole - got)[:5]}, too many {sorted(got - whole)[:5]}"
                )
            self._check(results)
            self.tally.chains += 1
        return self.tally

    def _chain(self, results: Path, *, most: int) -> Path:
        """Kill and resume until a run has finished, and return its file."""
        for _ in range(most):
            process = self._start(results)
            if not self._kill(process, results):
                break
            self.tally.kills += 1
        return self._finish(results)

    def _kill(self, process: forkserver.Process, results: Path) -> bool:
        """Kill a run when its file has a random size, or early, before it has any. Return whether it was still alive.

        The whole file's size may be aimed at, too: that run is killed on its way out, or finishes.
        """
        before = _newest(results)
        is_early = self._random.random() < _EARLY_SHARE
        aim = self._random.uniform(before.stat().st_size if before else 0, self._whole_bytes)
        end = time.monotonic() + (self._random.uniform(0, _START_S) if is_early else _RUN_S)
        while time.monotonic() < end and process.poll() is None and _new_bytes(results, before) < aim:
            time.sleep(_POLL_S)
        try:
            process.communicate(timeout=self._random.uniform(0, _JITTER_S))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=_RUN_S)
            return True
        return False

    def _finish(self, results: Path) -> Path:
        process = self._start(results)
        out = process.communicate(timeout=_RUN_S)[0]
        if process.returncode != 0:
            raise CampaignFailed(f"a run in {results} ended with {process.returncode}:\n{out}")
        return max(results.glob("*.jsonl"))

    def _start(self, results: Path) -> forkserver.Process:
        """Start a run that resumes the newest file; where that is finished, it does nothing."""
        resumed = _newest(results)
        words = [
            "-p",
            "no:cacheprovider",
            "-q",
            f"--lms-url={self._url}",
            "--lms-model=all",
            "--lms-limit=12",
            "--lms-epochs=2",
            f"--lms-results={results}",
            str(self._tests),
        ]
        environ = {**os.environ, "LMS_HARNESS_STATE": str(self._folder / "state")}
        resume = [f"--lms-resume={resumed}"] if resumed else []
        return forkserver.start("pytest", *words, *resume, cwd=self._folder, env=environ, is_merged=True)

    def _check(self, results: Path) -> None:
        """Make sure that every file can be read, and that no run asked what its parent had."""
        for path in results.glob("*.jsonl"):
            try:
                records = list(read_run(path))
            except StoreError as exc:
                raise CampaignFailed(str(exc)) from exc
            if not records or not isinstance(run := records[0], RunRecord):
                continue
            samples = [record for record in records if isinstance(record, SampleRecord)]
            new = {sample.sample_uid for sample in samples if sample.at >= run.at}
            self.tally.asked += len(new)
            if run.parent_run_id is None:
                continue
            parent = RunFile.read(results / f"{run.parent_run_id}.jsonl")
            before = {uid for uid, sample in parent.samples() if sample.is_counted}
            carried = {sample.sample_uid for sample in samples} - new
            self.tally.resumed += 1
            self.tally.carried += len(carried)
            if new & before or carried != before:
                raise CampaignFailed(f"{path}: asked again {new & before}, did not take over {before - carried}")


def result(records: list[Record]) -> Result:
    """Return what a reader makes of a run file, whichever run wrote its records and whenever."""
    scores = {score.sample_uid: (score.value, score.passed) for score in records if isinstance(score, ScoreRecord)}
    samples = [record for record in records if isinstance(record, SampleRecord)]
    answers = [
        (s.model_key, s.task, s.item_id, s.epoch, s.outcome, s.output_text, scores.get(s.sample_uid)) for s in samples
    ]
    if len(set(answers)) != len(samples):
        raise CampaignFailed("a sample is recorded twice")
    cells = [
        (cell.model_key, cell.task, cell.n, cell.unscored, cell.score, cell.low, cell.high, cell.passed)
        for cell in records
        if isinstance(cell, SummaryRecord)
    ]
    if len(set(cells)) != len(cells):
        raise CampaignFailed("a cell is recorded twice")
    return frozenset([*map(repr, answers), *map(repr, cells)])


def speak(request: Request) -> str:
    """Return the prompt for about two prompts of three, which is right, and something else for the others."""
    prompt = request.prompt
    digest = hashlib.sha256(f"{request.json['model']} {prompt}".encode()).digest()
    return prompt if digest[0] % 3 else f"no {digest.hex()[:8]}"


def _newest(results: Path) -> Path | None:
    with contextlib.suppress(StoreError):
        return last_unfinished(results)
    for path in sorted(results.glob("*.jsonl"), reverse=True):
        with contextlib.suppress(StoreError):  # Killed before the first record was written.
            if read_header(path) is not None:
                return path
    return None


def _new_bytes(results: Path, before: Path | None) -> int:
    """Return the size of the newest file, unless it is the one that was there before; -1 without any."""
    newest = max(results.glob("*.jsonl"), default=None)
    return -1 if newest is None or (before is not None and newest.name <= before.name) else newest.stat().st_size


def campaign(kills: int, *, seed: int, folder: Path) -> ResumeTally:
    """Run a campaign against a server of its own and return what was seen.

    Raises:
        CampaignFailed: what differs from a whole run.
    """
    with ScriptedServer(token_s=0.01, parallel=2) as server:
        server.reply_with(speak)
        return Campaign(folder, url=server.url, seed=seed).run(kills)


def main() -> None:
    """Run the campaign that the command line asks for, and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture.resume_campaign", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many runs to kill (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the moments of the kills (default 0)")
    asked = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="resume-campaign-") as folder:
        try:
            tally = campaign(asked.kills, seed=asked.seed, folder=Path(folder))
        except CampaignFailed as exc:
            sys.exit(f"FAILED: {exc}")
    print(f"{tally} ({time.monotonic() - started:.0f} s)")  # noqa: T201  (its output)


if __name__ == "__main__":
    main()
