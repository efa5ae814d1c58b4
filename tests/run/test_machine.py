"""How busy the machine is, seen while it really is busy, and what the system tells of its power."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness.clock import SystemClock
from harness.run.machine import busy_cores, governor, power_source
from harness.testing.clock import FakeClock


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/stat")
def test_a_process_that_works_is_seen() -> None:
    worker = subprocess.Popen([sys.executable, "-P", "-c", "while True: pass"])
    try:
        found = max(filter(None, (busy_cores(SystemClock()) for _ in range(5))))
    finally:
        worker.kill()
        worker.wait()
    assert 0.3 < found[0] <= found[1]


@pytest.mark.parametrize("text", ["cpu 1 2 3 4 5 6 7 8\ncpu0 1 2 3 4 5 6 7 8\n", "cpu 1 2\n", "garbage", None])
def test_what_cannot_be_seen_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    stat = tmp_path / "stat"  # It stands still, says too little, or is not there.
    if text is not None:
        stat.write_text(text)
    monkeypatch.setattr("harness.run.machine._STAT", stat)
    assert busy_cores(FakeClock()) is None


def _system(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return folder


def test_the_governors_of_all_cores_are_named_once(tmp_path: Path) -> None:
    assert governor(tmp_path) is None
    cores = {f"devices__system__cpu__cpu{core}__cpufreq__scaling_governor": "powersave" for core in (0, 1, 10)}
    assert governor(_system(tmp_path, **cores)) == "powersave"
    cores["devices__system__cpu__cpu1__cpufreq__scaling_governor"] = "performance"
    assert governor(_system(tmp_path, **cores)) == "performance, powersave"


def test_a_machine_is_on_mains_or_on_its_battery_and_a_mouse_is_no_machine(tmp_path: Path) -> None:
    assert power_source(tmp_path) is None
    battery = {"class__power_supply__BAT0__type": "Battery", "class__power_supply__BAT0__status": "Discharging"}
    assert power_source(_system(tmp_path, **battery)) == "battery"
    _system(tmp_path, class__power_supply__BAT0__scope="Device")
    assert power_source(tmp_path) is None
    assert power_source(_system(tmp_path, class__power_supply__AC__type="Mains", class__power_supply__AC__online="1"))
