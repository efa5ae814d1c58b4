"""One frozen `Settings` from options, environment and ini: every default and check, and where each value came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from harness.errors import SettingsError
from harness.settings.name import setting
from harness.settings.option import OPTIONS, RETIRED, Option
from harness.settings.parser import DEFAULT_URL, EMBEDDED
from harness.settings.rounds import LAST_ROUND, rounds_up_to
from harness.settings.surface import INI_ORIGIN, Surface

DEFAULT_TOKEN = "lmstudio"  # noqa: S105  (LM Studio's documented literal while authentication is off)
_LONGEST_SHOWN = 200
_DEFAULT_ORIGIN = "default"
_HANDED_ORIGIN = "the calling program"
Given = Mapping[str, str | Sequence[str] | None]
"""Raw text by the name of its setting; None or an empty list where nothing was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a run was asked to do.

    Attributes:
        url: of the server, or "embedded" to start one.
        models: keys or globs; empty: the loaded chat models, else the smallest one; ("all",): every one that fits.
        tasks: names of the tasks to run; empty: all, or all own ones where there are own ones.
        own_tasks: the folder with the user's own tasks, or the definition of one; None: there are none.
        limit: samples per task.
        epochs: repeats of each sample.
        context_length: tokens; None: the smallest power of two that the selected tasks need.
        reasoning: a level, or several separated by commas, each of which is a candidate of its own where the model
            lists it; None: `off` where the model lists it, else its lowest level.
        concurrency: requests in flight at a time; None: as many as the instance has slots.
        max_output_tokens: an upper bound on every task's own; None: none.
        floors: lowest acceptable score per task; below it the item fails.
        primary: the model that the others are compared with; None: the one with most parameters.
        margin: the largest loss of score that is acceptable.
        baselines: run files, ids of runs, or folders of runs, that the run is compared with at its end.
        reducer: how the repeats of an item become one value.
        until_decided: whether samples are asked in rounds, up to the limit, from the second on only what is still open.
        latency_budget_s: time that the latency suite may spend on one model.
        thorough: whether the latency suite measures in full, however long that takes.
        budget_s: time for the whole run; None: as long as it needs.
        resume: the run file to resume, or "last"; settings that are not given are then taken from it.
        review: the new file for answers that a person is to grade; None: none is written.
        details: whether the run ends with all its tables, after the answers.
        share_results: whether other users of this machine may read the run file.
        no_prompts: whether prompts stay out of the run file.
        source: where each value came from: an option as it was written, a variable, `ini lms_…`, or `default`; where
            nothing is said, the value counts as given.
    """

    url: str = DEFAULT_URL
    token: str = field(default=DEFAULT_TOKEN, repr=False)
    models: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    max_size_bytes: int | None = None
    tasks: tuple[str, ...] = ()
    own_tasks: Path | None = None
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
    baselines: tuple[str, ...] = ()
    reducer: str = "mean"
    until_decided: bool = False
    latency_budget_s: float = 45.0
    thorough: bool = False
    sample_deadline_s: float = 300.0
    budget_s: float | None = None
    resume: str | None = None
    results: Path = Path("results")
    review: Path | None = None
    details: bool = False
    share_results: bool = False
    no_prompts: bool = False
    models_dir: Path | None = None
    source: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_embedded(self) -> bool:
        """Whether the run starts a server of its own."""
        return self.url == EMBEDDED

    @property
    def rounds(self) -> tuple[int, ...]:
        """How many samples of a task each round asks in all; a single round unless the run goes on until decided."""
        return rounds_up_to(self.limit) if self.until_decided else (self.limit,)


def build_settings(
    options: Given,
    *,
    environ: Mapping[str, str],
    ini: Given | None = None,
    surface: Surface = Surface.PYTEST,
    handed: Settings | None = None,
) -> Settings:
    """Return the settings: an option wins over what was handed over, the environment, ini, and the default.

    Args:
        options: what was given as an option.
        environ: the environment variables.
        ini: what was given in an ini file.
        surface: where the options were given; messages write their names as there.
        handed: settings of a calling program; those that are its defaults count as not given.

    Raises:
        SettingsError: a value cannot be used; says which, where it came from, and what was expected.
    """
    values: dict[str, Any] = {}
    source: dict[str, str] = {}
    for option in OPTIONS:
        handed_origin = handed.source.get(option.name, _HANDED_ORIGIN) if handed else _DEFAULT_ORIGIN
        if handed_origin != _DEFAULT_ORIGIN and not _is_given(options.get(option.name)):
            values[option.name], source[option.name] = getattr(handed, option.name), handed_origin
            continue
        found = _find(option, options, environ, ini or {}, surface)
        if found is None:
            source[option.name] = _DEFAULT_ORIGIN
            continue
        raw, origin = found
        parsed = _parse(option, raw, origin)
        values[option.name] = dict(parsed) if option.name == "floors" else parsed
        source[option.name] = origin
    if values.get("until_decided") and "limit" not in values:
        values["limit"] = LAST_ROUND
    settings = Settings(**values, source=source)
    _check_together(settings, surface)
    return settings


def _check_together(settings: Settings, surface: Surface) -> None:
    """Refuse values that are each possible, but not together."""

    def refusal(message: str, hint: str = "") -> SettingsError:
        return SettingsError(surface.render(message, settings.source), hint=surface.render(hint, settings.source))

    k = int(settings.reducer[5:]) if settings.reducer.startswith("pass") else 1
    if k > settings.epochs:
        raise refusal(
            f"{setting('reducer', settings.reducer)}: expected at least {k} epochs, got {settings.epochs}",
            hint=f"Add {setting('epochs', str(k))}.",
        )
    if settings.models_dir is not None and not settings.is_embedded:
        raise refusal(f"{setting('models_dir')} is for the embedded server: add {setting('url', EMBEDDED)}")
    if settings.models_dir is not None and not settings.models_dir.is_dir():
        raise refusal(f"{setting('models_dir')}: expected a folder, got {str(settings.models_dir)!r}")


def _is_given(raw: str | Sequence[str] | None) -> bool:
    return raw is not None and raw not in ([], ())


def _find(
    option: Option, options: Given, environ: Mapping[str, str], ini: Given, surface: Surface
) -> tuple[str | Sequence[str], str] | None:
    """Return the text that counts, and where it came from; None where nobody gave any."""
    given = options.get(option.name)
    if given is not None and _is_given(given):
        return given, surface.spell(option.name)
    if option.env and environ.get(option.env):
        return environ[option.env], option.env
    given = ini.get(option.name)
    if given is not None and _is_given(given):
        return given, f"{INI_ORIGIN}{Surface.INI.spell(option.name)}"
    return None


def retired(written: str, name: str, surface: Surface) -> SettingsError:
    """Return the error for a setting that is gone, which names the one in its place."""
    return SettingsError(
        f"{written} is gone",
        hint=surface.render(f"Use {setting(RETIRED[name])} in its place, with {setting('budget_s')}."),
    )


def unknown_ini(name: str) -> SettingsError:
    """Return the error for an ini key `lms_…` that is not a setting, naming the nearest one.

    pytest itself only warns about such a key, and the run would use the default.
    """
    if name == Surface.INI.spell("token"):
        return SettingsError(f"ini {name}: a token does not belong in a file", hint="Set LM_API_TOKEN instead.")
    for old in RETIRED:
        if name == f"lms_{old}":
            return retired(f"ini {name}", old, Surface.INI)
    # Some options have another name than their ini key: --lms-model is lms_models in ini.
    keys = {f"lms_{option.flag.replace('-', '_')}": Surface.INI.spell(option.name) for option in OPTIONS}
    keys |= {Surface.INI.spell(option.name): Surface.INI.spell(option.name) for option in OPTIONS}
    del keys[Surface.INI.spell("token")]
    near = get_close_matches(name, keys, n=1) or list(keys)
    names = ", ".join(dict.fromkeys(keys[key] for key in near))
    return SettingsError(f"ini {name}: there is no such setting", hint=f"Did you mean {names}?")


def _parse(option: Option, raw: str | Sequence[str], origin: str) -> Any:
    words = [raw] if isinstance(raw, str) else list(raw)
    # A URL should not hold a password, but it may.
    is_secret = option.name == "token" or (option.name == "url" and "@" in "".join(words))
    shown = "…" if is_secret else repr(_shortened(" ".join(words)))
    try:
        parsed = tuple(option.parse(word) for word in words)
    except ValueError as exc:
        raise SettingsError(f"{origin}: expected {exc}, got {shown}") from None
    if option.is_single and len(words) > 1:
        raise SettingsError(
            f"{origin}: expected one value, got {len(words)}: {_shortened(', '.join(words))}",
            hint="To run both, put their definitions and data into one folder.",
        )
    return parsed if option.repeat else parsed[-1]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"
