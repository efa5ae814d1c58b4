"""`selfcheck`, run as a user would, against a null server in a process of its own."""

from dataclasses import replace

import pytest

from harness.cli.selfcheck import verdict
from harness.command import selfcheck
from harness.command.selfcheck import Cost, SelfCheck

from .conftest import Call

FINE = SelfCheck(
    one=Cost(concurrency=1, requests=200, wall_s=0.0021, cpu_s=0.0012),
    many=Cost(concurrency=16, requests=320, wall_s=0.0011, cpu_s=0.0010),
    slot_use=0.96,
    clock_s=5e-8,
    cores=8,
    busy=0.2,
    load_average=0.31,
    governor="performance",
    power="mains",
)


def test_it_measures_and_ends_with_0_or_1_as_it_says_in_json(call: Call) -> None:
    done = call("selfcheck", "--json")
    found = done.json
    assert done.code == (0 if found["ok"] else 1)
    assert found["ok"] is not bool(found["problems"])
    assert (found["one"]["concurrency"], found["many"]["concurrency"], found["many"]["requests"]) == (1, 16, 320)
    assert found["one"]["cpu_s"] > 0
    assert found["nothing_from_s"] == pytest.approx(100 * found["one"]["wall_s"])
    assert 0 < found["slot_use"] <= 1
    assert 0 < found["clock_s"] < 1


def said(call: Call, monkeypatch: pytest.MonkeyPatch, found: SelfCheck) -> tuple[int, list[str]]:
    monkeypatch.setattr(selfcheck, "self_check", lambda: found)
    monkeypatch.setenv("COLUMNS", "80")
    done = call("selfcheck")
    assert max(map(len, done.out.splitlines())) <= 80
    return done.code, done.out.splitlines()


def test_the_first_line_says_beside_which_answers_the_client_is_nothing(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, lines = said(call, monkeypatch, FINE)
    assert code == 0
    assert " ".join(lines[:2]) == (
        "Fine: this machine adds 2.1 ms to a request: nothing beside answers that take longer than 210 ms."
    )
    assert "slot use      96% of 4 slots whose answers take 50 ms" in lines
    assert "governor      performance" in lines


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        (replace(FINE, busy=1.6, cores=2), "Other processes keep 1.6 of 2 CPU cores busy"),
        (replace(FINE, one=replace(FINE.one, wall_s=0.03)), "A request takes 30 ms without any model"),
        (replace(FINE, slot_use=0.6), "Only 60% of the slots' time was used"),
        (replace(FINE, clock_s=0.0156), "The clock moves in steps of 15.6 ms"),
    ],
)
def test_what_makes_times_doubtful_is_named_and_ends_with_1(
    call: Call, monkeypatch: pytest.MonkeyPatch, found: SelfCheck, problem: str
) -> None:
    code, lines = said(call, monkeypatch, found)
    assert code == 1
    assert lines[0].startswith("Not fit to measure on now. This machine adds ")
    assert problem in " ".join(lines)


def test_what_the_system_does_not_tell_is_not_readable_and_no_problem(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = replace(FINE, busy=None, load_average=None, governor=None, power=None)
    code, lines = said(call, monkeypatch, unknown)
    assert code == 0
    assert [line.rpartition("  ")[2].strip() for line in lines[-4:]] == ["8", *["not readable"] * 3]
    assert verdict(unknown) == verdict(FINE)


def test_a_machine_on_which_it_cannot_start_its_server_is_told_so(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: int) -> None:
        raise RuntimeError("the null server did not start: it printed nothing")

    monkeypatch.setattr(selfcheck, "NullServer", refused)
    done = call("selfcheck")
    assert done.code == 3
    assert "cannot measure: the null server did not start" in done.err
    assert call("selfcheck", "now").code == 2
