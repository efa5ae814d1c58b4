"""Values that no option can use, wherever they come from: told at once, before anything is asked or loaded."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.errors import SettingsError
from harness.settings import OPTIONS, build_settings
from harness.testing.scripted import ScriptedServer

from .conftest import KEY, Lms, Result

THREE = "\N{ARABIC-INDIC DIGIT THREE}"
WHOLE = ("", " ", "-1", "1.5", "1e3", "nan", "inf", "9" * 30, "9" * 5000, THREE, "1_0", " 7 ", "0x10", "\x1b[31m")
TIME = ("", "-1", "0", "0s", "nan", "inf", "1e9", "9" * 400, THREE + "s", "5 parsecs", "2000h")
FOLDER = ("", "  ")

WRONG: dict[str, tuple[str, ...]] = {
    "url": ("", "nonsense", "ftp://x", "http://", "http://x:99999", "http://x:port", "http://x y", "http://x\x1b[2J"),
    "token": ("",),
    "models": ("", " "),
    "exclude": ("",),
    "max_size_bytes": (
        "",
        "0",
        "-1GB",
        "0.0001",
        "nan",
        "inf",
        "20 parsecs",
        "9" * 400 + "GB",
        THREE + "GB",
        "1e3GB",
        "iB",
    ),
    "tasks": ("",),
    "own_tasks": FOLDER,
    "limit": (*WHOLE, "0"),
    "epochs": (*WHOLE, "0"),
    "seed": WHOLE,
    "load": ("", "lazy", "EXPLICIT"),
    "unload": ("", "none"),
    "context_length": (*WHOLE, "0", str(2**31)),
    "reasoning": ("", " ", "off,", ",high", "off,,high", "off,off"),
    "concurrency": (*WHOLE, "0", "AUTO", "1025"),
    "max_output_tokens": (*WHOLE, "0"),
    "floors": (
        "",
        "extract",
        "extract=",
        "=0.5",
        "extract=2",
        "extract=nan",
        "extract=-1",
        "extract=1e-3",
        "x=" + THREE,
    ),
    "primary": ("", " "),
    "margin": ("", "0", "1", "-0.1", "nan", "5 %", "1e-2", "0." + THREE),
    "baselines": ("", " "),
    "reducer": ("", "median", "pass@", "pass@0", "pass@" + THREE, "Mean", "pass@10000"),
    "until_decided": ("", "maybe", "YES"),
    "details": ("", "maybe", "YES"),
    "share_results": ("", "maybe", "YES"),
    "no_prompts": ("", "maybe", "YES"),
    "latency_budget_s": TIME,
    "thorough": ("", "maybe", "YES"),
    "sample_deadline_s": TIME,
    "budget_s": TIME,
    "resume": FOLDER,
    "review": (*FOLDER, ".", "/", "nowhere/grades.csv"),
    "results": FOLDER,
    "models_dir": FOLDER,
}


def test_every_option_is_tried() -> None:
    assert set(WRONG) == {option.name for option in OPTIONS}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_a_wrong_value_names_its_option_or_ini_key_and_what_was_expected(name: str, value: str) -> None:
    (option,) = (option for option in OPTIONS if option.name == name)
    given = [value] if option.repeat else value
    for options, ini, origin in (({name: given}, {}, f"--lms-{option.flag}"), ({}, {name: given}, f"ini lms_{name}")):
        with pytest.raises(SettingsError) as caught:
            build_settings(options, environ={}, ini=ini)
        assert str(caught.value).startswith(f"{origin}: expected ")
        assert len(str(caught.value)) < 400


def test_a_wrong_value_of_the_environment_names_the_variable() -> None:
    with pytest.raises(SettingsError, match=r"^LM_STUDIO_API_URL: expected an address"):
        build_settings({}, environ={"LM_STUDIO_API_URL": "nonsense"})


def test_a_password_in_a_wrong_url_is_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        build_settings({"url": "ftp://me:s3cret@host"}, environ={})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "many"], "--limit: expected a whole number"),
        (["--models-dir", "."], "add --url embedded"),
        (["--tasks", "a", "--tasks", "b"], "--tasks: expected one folder, got 2: put what"),
        (["--", "--lms-tasks=a", "--lms-tasks=b"], "--lms-tasks: expected one value, got 2: a, b"),
        (["--task", "extrct"], "no such task: extrct; collected are: brainstorm, classify, extract"),
        (["--floor", "extrct=0.8"], "no such task: extrct; collected are: brainstorm, classify, extract"),
        (["--exclude", "*"], "all 2 chat models are left out"),
        (["--max-size", "1kB"], "all 2 chat models are left out"),
        (["--model", "acme/small-4b", "--reasoning", "hihg"], "Expected one of: off, on, xhigh."),
        (["--model", KEY, "--reasoning", "high"], "They list none: leave it out."),
        (["--model", "acme/small-4b", "--reasoning", "off,hihg"], "Expected one of: off, on, xhigh."),
        (["--url", "http://127.0.0.1:99999"], "an address such as"),
        (["nowhere/"], "nowhere/"),
    ],
)
def test_run_ends_with_2_and_loads_nothing(lms: Lms, server: ScriptedServer, words: list[str], said: str) -> None:
    result = lms("run", f"--url={server.url}", *words)
    assert result.code == 2, result.said
    assert said in result.said
    assert not server.asked("POST", "/api/v1/models/load")


def test_a_floor_of_ini_that_this_run_cannot_check_is_said(lms: Lms, server: ScriptedServer) -> None:
    result = lms("run", f"--url={server.url}", "--dry-run", "--", "-o", "lms_floors=extrct=0.8")
    assert result.code == 0, result.said
    assert "ini lms_floors: no such task: extrct; collected are: brainstorm, classify, extract" in result.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--models-dir", ""], "expected the name of a folder"),
        (["--token", ""], "expected a token"),
        (["--port", "70000"], "70000"),
        (["--parallel", "0"], "0"),
    ],
)
def test_serve_ends_with_2(lms: Lms, words: list[str], said: str) -> None:
    result = lms("serve", "--port=0", *words)
    assert result.code == 2, result.said
    assert said in result.said


def pytest_with(ini: str, folder: Path, environ: Mapping[str, str], *words: str) -> Result:
    """Run pytest in a project of the user's own."""
    (folder / "test_plain.py").write_text("def test_plain():\n    assert True\n")
    (folder / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "harness.pytest_plugin", *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
        check=False,
        env=environ,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("ini", "said"),
    [
        ("lms_modell = x", "ini lms_modell: there is no such setting\nDid you mean lms_models?"),
        ("lms_model = x", "Did you mean lms_models?"),
        ("lms_max_size = 20GB", "Did you mean lms_max_size_bytes?"),
        ("lms_token = secret", "a token does not belong in a file"),
    ],
)
def test_an_unknown_ini_key_is_an_error_that_names_the_nearest(
    tmp_path: Path, environ: dict[str, str], ini: str, said: str
) -> None:
    result = pytest_with(ini, tmp_path, environ)
    assert result.code == 4  # pytest's own code for wrong usage
    assert said in result.said
    assert "secret" not in result.said


def test_an_unknown_key_given_with_o_is_an_error_too(tmp_path: Path, environ: dict[str, str]) -> None:
    assert "Did you mean lms_limit?" in pytest_with("", tmp_path, environ, "-o", "lms_limt=3").said


def test_ini_keys_of_others_are_none_of_ours(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "conftest.py").write_text("def pytest_addoption(parser):\n    parser.addini('lms_lab', 'ours')\n")
    assert pytest_with("lms_lab = x", tmp_path, environ).code == 0
