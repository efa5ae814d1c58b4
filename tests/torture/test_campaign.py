"""The campaigns as commands, small: real servers, weights, processes and kills."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

CLONE = Path(__file__).parents[2]

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="campaigns look for processes in /proc")


def campaign(*words: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.torture.campaign", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
        cwd=CLONE,
    )


@linux
@pytest.mark.torture
@pytest.mark.embedded
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("embedded_server")  # Skipped where that is, and the models are there.
def test_runs_that_are_killed_beside_foreign_clients_leave_nothing_and_touch_nothing(tmp_path: Path) -> None:
    done = campaign(
        "kill",
        "--runs=2",
        "--seed=5",
        "--foreign-clients=1",
        "--scenario=load",
        "--scenario=unload-after",
        "--keep",
        str(tmp_path / "kept"),
        timeout_s=380,
    )
    events = (tmp_path / "kept" / "events.log").read_text()
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{events}"
    (total,) = [line.split() for line in done.stdout.splitlines() if line.startswith("all ")]
    runs, _, leaked = map(int, total[1:4])
    assert (runs, leaked) == (2, 0)
    assert "was killed" in events


@linux
def test_nothing_that_was_acknowledged_is_lost_when_writers_are_killed() -> None:
    done = campaign("writer", "--kills=30", timeout_s=100)
    assert done.returncode == 0, done.stdout + done.stderr
    for kind in ("records", "intents"):
        found = re.search(
            rf"^{kind}: 30 kills, (\d+) acknowledged, 0 lost, 0 files unreadable, \d+ torn", done.stdout, re.MULTILINE
        )
        assert found, done.stdout
        assert int(found[1]) > 0


@linux
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["kill", "--url=http://127.0.0.1:9"], "--url and --model belong together"),
        (["kill", "--url=http://127.0.0.1:9", "--model=key"], "http://127.0.0.1:9"),
        (["kill", "--scenario=none"], "Invalid value for '--scenario'"),
        (["writer", "--kills=0"], "Invalid value for '--kills'"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(words: list[str], said: str) -> None:
    done = campaign(*words, timeout_s=60)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
