"""Narrow terminals, none, closed pipes, and encodings that lack most letters."""

import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.domain.model import ModelKey
from harness.domain.record import EndRecord
from harness.testing.library import DEFAULT_MODELS
from harness.testing.scripted import ScriptedServer

from .conftest import HARNESS, KEY, OTHER, Lms, records

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
FOREIGN = ModelKey("acme/mod\N{LATIN SMALL LETTER E WITH GRAVE}le-\N{CJK UNIFIED IDEOGRAPH-65E5}")
OFFLOAD = ("--suite=offload", "--task=extract", "--task=classify", "--limit=2")


def lines(drawn: str) -> list[str]:
    """Return what stays of a terminal's output, without colours and without what was drawn over."""
    return [line.rpartition("\r")[2].rstrip() for line in ESCAPES.sub("", drawn).replace("\r\n", "\n").split("\n")]


@pytest.mark.parametrize("columns", [40, 80])
def test_the_table_of_a_run_fits_into_the_terminal(server: ScriptedServer, on_terminal: Lms, columns: int) -> None:
    result = on_terminal(
        "run",
        f"--url={server.url}",
        "--model=all",
        *OFFLOAD,
        "--context-length=20000",
        "--details",
        columns=columns,
    )
    assert result.code == 0, result.out
    shown = lines(result.out)
    table = shown[next(at for at, line in enumerate(shown) if "local models" in line) :]
    long = [line for line in table if len(line) > columns and not line.startswith(("Records: ", "More: "))]
    assert long == []
    assert [line for line in table if line.startswith(KEY)]
    assert re.search(r"score \[95 %\] ", result.out)
    noted = " ".join(" ".join(table).split())
    assert f"{KEY} was loaded with a context of 16384 tokens, fewer than the 20000 requested." in noted
    assert OTHER + " was loaded with" not in noted


def test_the_bar_is_as_wide_as_the_terminal(on_terminal: Lms) -> None:
    with ScriptedServer(token_s=0.01) as slow:
        result = on_terminal("run", f"--url={slow.url}", *OFFLOAD, columns=40)
    bars = [line for line in re.split(r"[\r\n]", ESCAPES.sub("", result.out)) if "0/2" in line]
    assert bars
    assert max(map(len, bars)) <= 40


def test_plan_models_and_errors_fit_into_40_columns(server: ScriptedServer, on_terminal: Lms) -> None:
    plan = on_terminal("run", f"--url={server.url}", "--dry-run", "--context-length=20000", columns=40)
    text = " ".join(" ".join(lines(plan.out)).split())
    assert "a context of 20000 tokens is more than the model's 16384" in text
    listing = on_terminal("models", f"--url={server.url}", columns=40)
    for result in (plan, listing):
        # pytest's own list of files is as it is.
        assert all(len(line) <= 40 or line.startswith("suites/") for line in lines(result.out)), result.out
    assert on_terminal("models", f"--url={server.url}", columns=200).out.splitlines()[0].startswith("key   ")


def test_no_color_is_obeyed_on_a_terminal(server: ScriptedServer, on_terminal: Lms) -> None:
    for words in (["unload", "nothing"], ["run", "--model=nothing"]):
        assert "\x1b[3" not in on_terminal(*words, f"--url={server.url}", columns=80, NO_COLOR="1").out


def test_without_a_terminal_there_are_no_colours_and_no_carriage_returns(lms: Lms, server: ScriptedServer) -> None:
    result = lms("run", f"--url={server.url}", *OFFLOAD)
    assert result.code == 0
    assert "\x1b" not in result.said
    assert "\r" not in result.said
    assert "risk: what it may lose, in score and time, against the best asked; certified: " in result.out
    (legend,) = [block for block in result.out.split("\n\n") if "risk: what it may lose" in block]
    assert max(map(len, legend.splitlines())) <= 110, "sentences wrap where there is no width, too"


@pytest.mark.parametrize(("encoding", "names"), [("ascii", "models run chat unload"), ("latin-1", "models chat")])
def test_text_that_the_encoding_lacks_is_escaped(lms: Lms, encoding: str, names: str) -> None:
    commands = (["models"], ["run", *OFFLOAD], ["chat", FOREIGN, "x", "--unload-after"], ["unload", "\xe9"])
    with ScriptedServer([replace(DEFAULT_MODELS[0], key=FOREIGN)]) as server:
        server.reply_with(lambda _: "\N{CJK UNIFIED IDEOGRAPH-65E5}\u202e::error::x")
        for words in (words for words in commands if words[0] in names.split()):
            result = lms(*words, f"--url={server.url}", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
            assert result.code == (5 if words[0] == "unload" else 0), result.said
            # click takes ASCII for a mistake and writes UTF-8.
            assert words[0] == "unload" or "\\u65e5" in result.out or "\N{CJK UNIFIED IDEOGRAPH-65E5}" in result.out
            assert "\\nacme" not in result.out  # Lines stay lines.
        assert server.loaded == []


@pytest.mark.parametrize("words", ["models", "run --suite=offload --task=extract --limit=8"])
def test_a_reader_that_has_seen_enough_ends_the_command_without_a_word(
    environ: Mapping[str, str], tmp_path: Path, words: str
) -> None:
    many = [replace(DEFAULT_MODELS[0], key=ModelKey(f"acme/tiny-{number}")) for number in range(2000)]
    with ScriptedServer(many, token_s=0.002) as server:
        command = [*HARNESS, *words.split(), f"--url={server.url}"]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env=environ)
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.readline()
        child.stdout.close()
        said = child.stderr.read()
        child.stderr.close()
        assert child.wait(60) in {0, 1}
        assert said == b""
        assert server.loaded == []
    if words != "models":
        assert isinstance(records(tmp_path / "results")[-1], EndRecord)


def test_closed_standard_streams_harm_no_file(
    environ: Mapping[str, str], server: ScriptedServer, tmp_path: Path
) -> None:
    words = f"run --url={server.url} --suite=offload --task=extract --limit=1"
    line = f"exec {sys.executable} -m harness.cli {words} <&- >&- 2>&-"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=environ, capture_output=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr
    assert isinstance(records(tmp_path / "results")[-1], EndRecord)
