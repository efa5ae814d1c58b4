"""Nights against a scripted LM Studio: a planted regression fails, noise does not; and what JUnit and GitHub get."""

import os
import random
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.testing.message import Request
from harness.testing.scripted import ScriptedServer
from tests import forkserver

KEY = "acme/tiny-1b"
OWN_TASK = """
import pytest
from harness import Exact, RunTask, Sample, Task

def task(name):
    def samples(seed, n):
        return [Sample(item_id=f"{name}-{i}", prompt=f"{name} {i}", target=f"{name} {i}") for i in range(n)]
    return Task(name=name, task_class=name, generate=samples, scorer=Exact(), max_output_tokens=20, prompt_tokens=40)

SAY, TELL = task("say"), task("tell")

@pytest.mark.lms_task(SAY)
def test_say(lms_run_task: RunTask) -> None:
    lms_run_task(SAY)

@pytest.mark.lms_task(TELL)
def test_tell(lms_run_task: RunTask) -> None:
    lms_run_task(TELL)
"""


@dataclass(frozen=True)
class Night:
    code: int
    out: str
    path: Path

    @property
    def text(self) -> str:
        """What was printed, however it was broken into lines."""
        return " ".join(self.out.split())


class Nights:
    """Nights on a server whose answers are right but for a share of each task, another one each night."""

    def __init__(self, server: ScriptedServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.limit = 6
        (folder / "test_own.py").write_text(OWN_TASK)
        (folder / "pytest.ini").write_text("[pytest]\n")

    def __call__(self, *words: str, seed: int = 0, say: float = 0.05, tell: float = 0.05, **environ: str) -> Night:
        dice = random.Random(seed)
        wrong = {
            f"{name} {i}" for name, share in (("say", say), ("tell", tell)) for i in range(40) if dice.random() < share
        }

        def speak(request: Request) -> str:
            return "no" if request.prompt in wrong else request.prompt

        self.server.reply_with(speak)
        around = {**os.environ, "LMS_HARNESS_STATE": str(self.folder / "state"), "COLUMNS": "140", **environ}
        words = ("-p", "no:cacheprovider", f"--lms-url={self.server.url}", f"--lms-limit={self.limit}", *words)
        done = forkserver.run("pytest", *words, cwd=self.folder, env=around)
        files = sorted((self.folder / "results").glob("*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        return Night(done.returncode, done.stdout + done.stderr, files[-1] if files else Path())

    def keep(self, night: Night) -> None:
        """Make a night part of the baseline."""
        (self.folder / "baseline").mkdir(exist_ok=True)
        shutil.copy2(night.path, self.folder / "baseline")


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    with ScriptedServer() as scripted:
        yield Nights(scripted, tmp_path)


@pytest.fixture
def weekly(nights: Nights) -> Nights:
    """Three nights whose answers flip, as the baseline."""
    nights.limit = 40
    for seed in (1, 2, 3):
        night = nights(seed=seed)
        assert night.code == 0, night.out
        nights.keep(night)
    return nights


def cases_of(report: Path) -> dict[str, ET.Element]:
    return {str(case.get("name")): case for case in ET.parse(report).iter("testcase")}


def properties(case: ET.Element) -> dict[str | None, str | None]:
    return {found.get("name"): found.get("value") for found in case.iter("property")}


def test_a_noisy_night_passes_and_a_planted_regression_fails(weekly: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same answers flip as much as in the baseline, then one task in five answers of which nobody said a word."""
    noisy = weekly("--lms-baseline=baseline", "--junitxml=noisy.xml", seed=4)
    assert noisy.code == 0, noisy.out
    assert "Nothing is shown to be worse than the baseline: 3 passed; " in noisy.text
    assert "Flaky, as they flip within the baseline" in noisy.text
    planted = weekly("--lms-baseline=baseline", "--junitxml=planted.xml", seed=5, tell=0.3)
    assert planted.code == 1
    assert "WORSE than the baseline:" in planted.text
    assert f"FAILED lms-baseline::tell[{KEY}] - regression: lower by" in planted.text
    assert f"lms-harness show {planted.path.relative_to(weekly.folder)} --model {KEY} --task tell" in planted.text
    cases = cases_of(weekly.folder / "planted.xml")
    assert {name for name, case in cases.items() if case.find("failure") is not None} >= {f"tell[{KEY}]"}
    said = properties(cases[f"tell[{KEY}]"])
    assert (said["verdict"], said["n"]) == ("regression", "40")
    assert {"score", "baseline_score", "difference", "low", "high", "reason"} <= set(said)
    assert said["run_file"] == str(planted.path.relative_to(weekly.folder))
    own = properties(cases[f"test_tell[{KEY}]"])
    assert own["score"] == said["score"]
    assert {"low", "high", "n", "unscored", "run_file"} <= set(own)
    assert properties(cases_of(weekly.folder / "noisy.xml")[f"tell[{KEY}]"])["verdict"] == "passes"


def test_a_task_that_no_test_asks_any_more_fails_the_night(nights: Nights) -> None:
    nights.keep(nights())
    gone = nights("--lms-baseline=baseline", "-k", "say")
    assert gone.code == 1
    assert f"FAILED lms-baseline::tell[{KEY}] - task missing: this run did not ask it" in gone.text
    assert nights("--lms-baseline=baseline", "--lms-task=say").code == 0, "what was not asked for is not missed"


def test_what_cannot_be_compared_is_skipped_and_a_night_that_compares_nothing_fails(nights: Nights) -> None:
    nights.keep(nights())
    other = nights("--lms-baseline=baseline", "--lms-max-output-tokens=11", "-rfs", "--junitxml=other.xml")
    assert other.code == 1
    assert "max_output_tokens is not reported in the baseline and 11 in this run" in other.text
    assert "FAILED lms-baseline::nothing was compared" in other.text
    assert cases_of(nights.folder / "other.xml")[f"say[{KEY}]"].find("skipped") is not None


def test_a_baseline_that_cannot_be_read_ends_the_run_before_anything_is_loaded(nights: Nights) -> None:
    (nights.folder / "empty").mkdir()
    for word, said in (
        ("nowhere", "there is no run and no folder nowhere"),
        ("empty", "no run to compare with in empty"),
    ):
        wrong = nights(f"--lms-baseline={word}")
        assert wrong.code == 2, wrong.out
        assert said in wrong.text
    assert nights.server.asked("POST", "/api/v1/models/load") == []


def test_a_baseline_without_a_test_of_a_model_fails_if_it_was_asked_for_on_the_command_line(nights: Nights) -> None:
    nights.keep(nights())
    (nights.folder / "test_own.py").write_text("def test_nothing() -> None: pass\n")
    none = nights("--lms-baseline=baseline")
    assert none.code == 1
    assert "no test has asked a model" in none.text
    spread = nights("--lms-baseline=baseline", "-n2")
    assert spread.code == 1, spread.out
    assert spread.text.count("FAILED lms-baseline::nothing was compared") == 1
    (nights.folder / "pytest.ini").write_text("[pytest]\nlms_baselines = baseline\n")
    assert nights().code == 0, "a setting for the project's nightly changes nothing for its other tests"


def test_on_github_a_night_leaves_annotations_and_a_summary(nights: Nights) -> None:
    nights.limit = 20
    nights.keep(nights(say=0.0))
    night = nights(
        "--lms-baseline=baseline", say=0.5, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(nights.folder / "summary.md")
    )
    lines = [line for line in night.out.splitlines() if line.startswith("::")]
    assert any(line.startswith(f"::error title=regression%3A {KEY} say::lower by") for line in lines)
    assert len(lines) <= 10
    assert "**regression**" in (nights.folder / "summary.md").read_text()


def test_lms_harness_run_takes_a_baseline_too(nights: Nights) -> None:
    """A run of the shipped suites shares nothing with this baseline: its own cases are missing, and it says so."""
    nights.keep(nights())
    environ = {**os.environ, "LMS_HARNESS_STATE": str(nights.folder / "state"), "COLUMNS": "140"}
    words = (f"--url={nights.server.url}", "--suite=offload", "--task=classify", "--limit=2", "--baseline=baseline")
    done = forkserver.run("harness.cli", "run", *words, cwd=nights.folder, env=environ)
    assert done.returncode == 1
    assert "NOTHING WAS COMPARED with the baseline: it has no finished task." in " ".join(done.stdout.split())


def test_a_run_that_was_resumed_twice_is_not_compared_with_its_first_part(nights: Nights) -> None:
    nights.limit = 12
    first = torn(nights().path)
    second = torn(nights(f"--lms-resume={first}").path)
    third = nights(f"--lms-resume={second}", f"--lms-baseline={first}")
    assert "the baseline holds only runs that this one resumes" in third.text
    assert third.code == 1


def torn(path: Path) -> Path:
    """Cut a run file off within its last task."""
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-20]))
    return path


TIMED = """
import os

def test_time(lms_run, lms_instance):
    for number in range(1, 7):
        value = float(os.environ["ANSWER_S"]) * (1 + number % 2 / 100)
        lms_run.recorder.measure("e2e_s", value, "s", model=lms_instance.model, round=number, cold=False, concurrency=1)
"""


def test_a_slower_night_is_a_failed_test_with_its_figures(nights: Nights) -> None:
    (nights.folder / "test_time.py").write_text(TIMED)
    nights.keep(nights(f"--lms-model={KEY}", ANSWER_S="1.0"))
    words = (f"--lms-model={KEY}", "--lms-baseline=baseline", "--junitxml=times.xml")
    slower = nights(*words, ANSWER_S="4.0")
    assert slower.code == 1
    assert f"FAILED lms-baseline::answer[{KEY}] - regression: slower by 300 %" in slower.text
    said = properties(cases_of(nights.folder / "times.xml")[f"answer[{KEY}]"])
    assert (said["verdict"], said["time"], said["ratio"]) == ("regression", "e2e_s", "4")
    again = nights(*words, ANSWER_S="1.01")
    assert again.code == 0, again.out
    assert properties(cases_of(nights.folder / "times.xml")[f"answer[{KEY}]"])["verdict"] == "passes"
