"""One frozen `Settings` from options, environment and ini: every default, every check, and where each value came from.

`OPTIONS` is the only list of options: the pytest plugin and `lms-harness run` both offer exactly these.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from harness.errors import SettingsError

EMBEDDED = "embedded"
DEFAULT_URL = "http://127.0.0.1:1234"
DEFAULT_TOKEN = "lmstudio"  # noqa: S105  (LM Studio's documented literal while authentication is off)
DEFAULT_FLOOR = 0.8
_MOST = 1_000_000
_MOST_TOKENS = 2**31 - 1
_MOST_REQUESTS = 1024
_LONGEST_S = 3_600_000.0
_SHOWN = 200
# ASCII digits, and so few of them that none overflows.
_NUMBER = r"([0-9]{1,15}(?:\.[0-9]{1,15})?)"
_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run was asked to do. `source` says for each name where its value came from.

    Attributes:
        url: of the server, or "embedded" to start our own.
        models: keys or globs; empty: the loaded chat models, else the smallest one; ("all",): every one that fits.
        limit: samples per task.
        epochs: repeats of each sample.
        context_length: tokens; None: the smallest power of two that the selected tasks need.
        reasoning: None: `off` where the model lists it, else its lowest setting.
        concurrency: requests at a time; None: as many as the instance has slots.
        max_output_tokens: an upper bound on every task's own; None: none.
        floors: lowest acceptable score per task; below it the item fails.
        primary: the model that the others are compared with; None: the one with most parameters.
        margin: the largest loss of score that does not matter.
        reducer: how the repeats of an item become one value.
        race: whether a model is stopped on a task as soon as a sequential test has decided about its floor.
        latency_budget_s: what the latency suite may spend on one model.
        budget_s: what the whole run may take; None: as long as it needs.
        resume: the run file to go on with, or "last"; what is not given here is then taken from it.
    """

    url: str = DEFAULT_URL
    token: str = field(default=DEFAULT_TOKEN, repr=False)
    models: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_size_bytes: int | None = None
    tasks: tuple[str, ...] = ()
    limit: int = 30
    epochs: int = 1
    seed: int = 0
    load: Literal["explicit", "jit"] = "explicit"
    unload: Literal["ours", "all", "keep"] = "ours"
    context_length: int | None = None
    reasoning: str | None = None
    concurrency: int | None = None
    max_output_tokens: int | None = None
    floors: Mapping[str, float] = field(default_factory=dict)
    primary: str | None = None
    margin: float = 0.05
    reducer: str = "mean"
    race: bool = False
    latency_budget_s: float = 45.0
    sample_deadline_s: float = 300.0
    budget_s: float | None = None
    resume: str | None = None
    results: Path = Path("results")
    models_dir: Path | None = None
    source: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_embedded(self) -> bool:
        """Whether the run starts a server of its own."""
        return self.url == EMBEDDED

    def race_floor(self, task: str) -> float:
        """Return the floor that a race on this task is about: the task's own, else 0.8."""
        return self.floors.get(task, DEFAULT_FLOOR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One setting as a user sees it.

    Attributes:
        name: of the field in `Settings`; also of the ini value, with the prefix `lms_`.
        flag: the pytest option is `--lms-<flag>`, the one of `lms-harness run` `--<flag>`.
        parse: text to value; raises ValueError with what was expected.
        repeat: may be given several times (in ini: words); the values are collected.
        is_flag: given without a value, which then is `yes`; in ini with one.
    """

    name: str
    flag: str
    metavar: str
    help: str
    parse: Callable[[str], Any]
    env: str | None = None
    repeat: bool = False
    is_flag: bool = False


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        # Not int() alone: it takes "1_000", " 7 " and the digits of any script.
        value = int(text) if re.fullmatch(r"[0-9]{1,19}", text) else -1
        if not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return parse


def _seconds(text: str) -> float:
    match = re.fullmatch(_NUMBER + r"(s|m|h)?", text.strip())
    value = float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"] if match else 0.0
    if not 0 < value <= _LONGEST_S:
        raise ValueError("a duration above 0 and up to 1000h, such as 45, 45s, 2m or 1h")
    return value


def _size(text: str) -> int:
    match = re.fullmatch(_NUMBER + r"\s*([kmgt]?)(i?)b?", text.strip().lower())
    if not match or (match[3] and not match[2]):
        raise ValueError("a size such as 20GB, 800MB or 8GiB")
    unit = _SIZES[match[2]] if not match[3] else 1024 ** " kmgt".index(match[2])
    value = int(float(match[1]) * unit)
    if value < 1:
        raise ValueError("a size above 0, such as 20GB, 800MB or 8GiB")
    return value


def _one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError("one of " + ", ".join(allowed))
        return text

    return parse


def _concurrency(text: str) -> int | None:
    if text == "auto":
        return None
    try:
        return _whole(1, _MOST_REQUESTS)(text)
    except ValueError as exc:
        raise ValueError(f"auto, or {exc}") from None


def _floor(text: str) -> tuple[str, float]:
    match = re.fullmatch(r"([\w.-]+)=([0-9]{0,15}\.?[0-9]{1,15})", text)
    if not match or float(match[2]) > 1:
        raise ValueError("TASK=SCORE with a score from 0 to 1, such as extract=0.8")
    return match[1], float(match[2])


def _margin(text: str) -> float:
    value = float(text) if re.fullmatch(r"[0-9]{0,15}\.?[0-9]{1,15}", text) else 0.0
    if not 0 < value < 1:
        raise ValueError("a score above 0 and below 1, such as 0.05")
    return value


def _reducer(text: str) -> str:
    if not re.fullmatch(r"mean|majority|pass[@^][1-9][0-9]{0,3}", text):
        raise ValueError("mean, majority, pass@k or pass^k, such as pass@3")
    return text


def _yes(text: str) -> bool:
    if text not in {"yes", "no"}:
        raise ValueError("yes or no")
    return text == "yes"


def _url(text: str) -> str:
    if text == EMBEDDED or (text.isprintable() and re.fullmatch(r"https?://[^\s/]+(/\S*)?", text) and _has_port(text)):
        return text
    raise ValueError(f"an address such as {DEFAULT_URL}, or {EMBEDDED}")


def _has_port(url: str) -> bool:
    """Tell whether the port can be one, or is left out."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("some text")
    return text


def _folder(text: str) -> Path:
    if not text.strip() or "\0" in text:
        raise ValueError("the name of a folder")
    return Path(text)


def _file(text: str) -> str:
    if not text.strip() or "\0" in text:
        raise ValueError("the name of a run file, or last")
    return text


OPTIONS: tuple[Option, ...] = (
    Option(name="url", flag="url", metavar="URL", parse=_url, env="LM_STUDIO_API_URL",
           help=f"LM Studio's address (default {DEFAULT_URL}), or 'embedded' to start a small server of our own"),
    Option(name="token", flag="token", metavar="TOKEN", parse=_text, env="LM_API_TOKEN",
           help="API token; better in the variable LM_API_TOKEN, as options are visible in the process list"),
    Option(name="models", flag="model", metavar="KEY", parse=_text, repeat=True,
           help="model key or glob, repeatable; 'all' for every one (default: the loaded ones, else the smallest)"),
    Option(name="exclude", flag="exclude", metavar="GLOB", parse=_text, repeat=True, help="leave these models out"),
    Option(name="max_size_bytes", flag="max-size", metavar="SIZE", parse=_size, help="no model larger, such as 20GB"),
    Option(name="tasks", flag="task", metavar="TASK", parse=_text, repeat=True, help="only these tasks (default: all)"),
    Option(name="limit", flag="limit", metavar="N", parse=_whole(1, _MOST), help="samples per task (default 30)"),
    Option(name="epochs", flag="epochs", metavar="N", parse=_whole(1, _MOST),
           help="ask each sample N times (default 1)"),
    Option(name="seed", flag="seed", metavar="N", parse=_whole(0, 2**63 - 1),
           help="which samples are generated (default 0)"),
    Option(name="load", flag="load", metavar="explicit|jit", parse=_one_of("explicit", "jit"),
           help="how models are loaded (default explicit); jit leaves it to the first request"),
    Option(name="unload", flag="unload", metavar="ours|all|keep", parse=_one_of("ours", "all", "keep"),
           help="what is unloaded after use: what this run loaded (default), all copies of the model, nothing"),
    Option(name="context_length", flag="context-length", metavar="N", parse=_whole(1, _MOST_TOKENS),
           help="tokens of context to load with (default: what the tasks need)"),
    Option(name="reasoning", flag="reasoning", metavar="SETTING", parse=_text,
           help="off, low, medium, high, on …, where the model lists it (default: off, else the lowest)"),
    Option(name="concurrency", flag="concurrency", metavar="auto|N", parse=_concurrency,
           help="requests at a time (default auto: the instance's slots)"),
    Option(name="max_output_tokens", flag="max-output-tokens", metavar="N", parse=_whole(1, _MOST_TOKENS),
           help="upper bound on every task's own limit of output tokens"),
    Option(name="floors", flag="floor", metavar="TASK=SCORE", parse=_floor, repeat=True,
           help="fail when a model scores below this on the task (default: quality never fails a run)"),
    Option(name="primary", flag="primary", metavar="KEY", parse=_text,
           help="compare the other models with this one, the one you would use otherwise (default: most parameters)"),
    Option(name="margin", flag="margin", metavar="SCORE", parse=_margin,
           help="the largest loss of score that does not matter, for the verdict 'not worse' (default 0.05)"),
    Option(name="reducer", flag="reducer", metavar="NAME", parse=_reducer,
           help="from the epochs of an item to its value: mean (default), majority, pass@k or pass^k, such as pass@3"),
    Option(name="race", flag="race", metavar="yes|no", parse=_yes, is_flag=True,
           help="stop a model on a task once a sequential test has decided about its floor "
                f"(--floor; default {DEFAULT_FLOOR:g})"),
    Option(name="latency_budget_s", flag="latency-budget", metavar="TIME", parse=_seconds,
           help="what the latency suite may spend on one model (default 45s)"),
    Option(name="sample_deadline_s", flag="sample-deadline", metavar="TIME", parse=_seconds,
           help="a sample that takes longer scores 0 as a timeout (default 5m)"),
    Option(name="budget_s", flag="budget", metavar="TIME", parse=_seconds,
           help="what the run may take in all, such as 30m: fewer samples, then fewer models (default: no limit)"),
    Option(name="resume", flag="resume", metavar="FILE", parse=_file,
           help="go on with this run file, or 'last': only what is missing is asked, with the options of then"),
    Option(name="results", flag="results", metavar="DIR", parse=_folder, help="folder for run files (default results)"),
    Option(name="models_dir", flag="models-dir", metavar="DIR", parse=_folder,
           help="with --lms-url embedded: serve the GGUF files of this folder instead of the default models"),
)  # fmt: skip


def build_settings(
    options: Mapping[str, str | Sequence[str] | None],
    *,
    environ: Mapping[str, str],
    ini: Mapping[str, str | Sequence[str] | None] | None = None,
    prefix: str = "--lms-",
) -> Settings:
    """Return the settings: an option wins over its environment variable, that over ini, that over the default.

    Args:
        options: raw text by field name, None where not given.
        environ: the environment variables.
        ini: raw text by field name.
        prefix: how options are written in messages.

    Raises:
        SettingsError: a value cannot be used; says which, where it came from, and what was expected.
    """
    values: dict[str, Any] = {}
    source: dict[str, str] = {}
    for option in OPTIONS:
        found = _find(option, options, environ, ini or {}, prefix)
        if found is None:
            source[option.name] = "default"
            continue
        raw, origin = found
        values[option.name] = _parse(option, raw, origin)
        source[option.name] = origin
    if "floors" in values:
        values["floors"] = dict(values["floors"])
    settings = Settings(**values, source=source)
    _check_together(settings, prefix)
    return settings


def _check_together(settings: Settings, prefix: str) -> None:
    """Refuse values that each are possible, but not with one another."""
    k = int(settings.reducer[5:]) if settings.reducer.startswith("pass") else 1
    if k > settings.epochs:
        raise SettingsError(
            f"{prefix}reducer {settings.reducer}: expected at least {k} epochs, got {settings.epochs}",
            hint=f"Add {prefix}epochs {k}.",
        )
    for task, floor in settings.floors.items():
        if settings.race and not 0 < floor < 1:
            raise SettingsError(
                f"{prefix}race: expected floors above 0 and below 1, got {task}={floor:g}",
                hint="No number of answers shows that a model always passes.",
            )
    if settings.models_dir is not None and not settings.is_embedded:
        raise SettingsError(f"{prefix}models-dir is for the embedded server: add {prefix}url {EMBEDDED}")
    if settings.models_dir is not None and not settings.models_dir.is_dir():
        raise SettingsError(f"{prefix}models-dir: expected a folder, got {str(settings.models_dir)!r}")


def _find(
    option: Option,
    options: Mapping[str, str | Sequence[str] | None],
    environ: Mapping[str, str],
    ini: Mapping[str, str | Sequence[str] | None],
    prefix: str,
) -> tuple[str | Sequence[str], str] | None:
    given = options.get(option.name)
    if given is not None and given != []:
        return given, f"{prefix}{option.flag}"
    if option.env and environ.get(option.env):
        return environ[option.env], option.env
    given = ini.get(option.name)
    if given is not None and given != []:
        return given, f"ini lms_{option.name}"
    return None


def unknown_ini(name: str) -> SettingsError:
    """Return the error for an ini key `lms_…` that is none of ours, naming the nearest one.

    pytest itself only warns of it, and the run would go on with the default.
    """
    if name == "lms_token":
        return SettingsError("ini lms_token: a token does not belong in a file", hint="Set LM_API_TOKEN instead.")
    keys = {f"lms_{option.name}": f"lms_{option.name}" for option in OPTIONS if option.name != "token"}
    # The options are often named otherwise: --lms-model is lms_models in ini.
    keys |= {f"lms_{option.flag.replace('-', '_')}": f"lms_{option.name}" for option in OPTIONS}
    near = get_close_matches(name, keys, n=1) or list(keys)
    names = ", ".join(dict.fromkeys(keys[one] for one in near))
    return SettingsError(f"ini {name}: there is no such setting", hint=f"Did you mean {names}?")


def _parse(option: Option, raw: str | Sequence[str], origin: str) -> Any:
    words = [raw] if isinstance(raw, str) else list(raw)
    # A URL may hold a password, though it must not.
    is_secret = option.name == "token" or (option.name == "url" and "@" in "".join(words))
    shown = "…" if is_secret else repr(_short(" ".join(words)))
    try:
        parsed = tuple(option.parse(word) for word in words)
    except ValueError as exc:
        raise SettingsError(f"{origin}: expected {exc}, got {shown}") from None
    return parsed if option.repeat else parsed[-1]


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
