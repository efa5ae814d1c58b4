"""A race of three samples, so that the benchmark cannot rot; and what its command says to wrong use."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.bench import race
from tests.bench.__main__ import main
from tests.bench.kill import killed_half_way
from tests.bench.peers import BY_NAME, PEERS, RAW, THIS
from tests.bench.race import SLOT_S, SLOTS, Course, Measure

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the race reads /proc")


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Course]:
    """A course on which the peers' environments are the one that these tests run in."""
    environments = tmp_path_factory.mktemp("environments")
    for name in (RAW, THIS):
        (environments / BY_NAME[name].folder).symlink_to(sys.prefix)
    with race.course(environments) as course:
        yield course


def test_everybody_asks_each_sample_once_and_is_measured(on: Course) -> None:
    peers = [BY_NAME[RAW], BY_NAME[THIS]]
    asked = [Measure(name="slots", samples=8, concurrency=SLOTS, answer_s=SLOT_S)]
    said: list[str] = []
    raw, this = race.race(peers, asked, number=1, on=on, say=said.append)
    assert (raw.error, this.error) == (None, None)
    assert (raw.max_in_flight, this.max_in_flight) == (SLOTS, SLOTS)
    for reading in (raw, this):
        assert reading.ready_s is not None
        assert reading.ending_s is not None
        assert 0 < reading.ready_s + reading.ending_s < reading.wall_s
        assert reading.occupancy is not None
        assert reading.asking_bytes is not None
        assert reading.peak_bytes is not None
        assert 10_000_000 < reading.asking_bytes <= reading.peak_bytes
    assert [line.partition(":")[0] for line in said] == ["round 1", "round 1"]


def test_a_killed_run_of_this_project_keeps_its_answers(on: Course) -> None:
    killed = killed_half_way(BY_NAME[THIS], samples=40, on=on)
    assert killed.error is None
    # Of what the server had answered, one answer a slot may still be on its way, and one be waiting for its score.
    assert killed.answered >= 20
    assert killed.kept >= killed.answered - 2 * SLOTS


def test_a_job_that_asks_too_little_does_not_count(on: Course) -> None:
    peer = BY_NAME[RAW]
    lazy = type(peer)(name=peer.name, packages=(), command=lambda _: ["true"], how="")
    reading = race.measured(lazy, Measure(name="start", samples=1, concurrency=1), number=1, on=on)
    assert reading.error == "0 chats, 0 of them different, where 1 were to be asked"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--peer", "nobody"], "expected one of raw httpx, lms-harness"),
        (["--rounds", "0"], "Invalid value for '--rounds'"),
        (["--json", "/proc/nothing/race.json"], "cannot write /proc/nothing/race.json"),
        (["--from", __file__], "was not written by --json"),
    ],
)
def test_wrong_use_is_refused_before_anything_starts(words: list[str], said: str) -> None:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())


def test_a_race_that_does_not_start_leaves_no_empty_file_of_readings(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["--json", str(tmp_path / "race.json"), "--peer", "nobody"])
    assert done.exit_code == 2
    assert not list(tmp_path.iterdir())


def test_the_peers_are_listed_with_how_each_is_configured() -> None:
    done = CliRunner().invoke(main, ["--list"])
    assert done.exit_code == 0
    assert all(f"{peer.name}: " in done.output for peer in PEERS)


def test_what_was_written_is_shown_again(tmp_path: Path, on: Course) -> None:
    reading = race.measured(BY_NAME[RAW], Measure(name="one", samples=3, concurrency=1), number=1, on=on)
    machine = {"date": "today", "cores": 2, "system": "Linux", "python": "3", "load_before": 0.1, "load_after": 0.2}
    found = {
        "machine": machine,
        "samples": 3,
        "rounds": 1,
        "versions": {RAW: "1"},
        "readings": [asdict(reading)],
        "kills": [],
        "growths": [],
        "absent": [{"name": "promptfoo", "reason": "npm is not on the path"}],
    }
    file = tmp_path / "race.json"
    file.write_text(json.dumps(found))
    text, markdown = (CliRunner().invoke(main, ["--from", str(file), *more]).output for more in ([], ["--markdown"]))
    assert "Not there: promptfoo: npm is not on the path" in text
    assert markdown.startswith("|")
    assert "raw httpx" in markdown
