"""How long earlier runs on this machine took: the best estimate of how long the next one will."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median

from harness.domain.model import Model
from harness.domain.record import InstanceRecord, RunRecord
from harness.errors import StoreError
from harness.run.provenance import cpu_name
from harness.selection.selection import active_share
from harness.settings import Settings
from harness.store.reader import read_header
from harness.store.run_file import RunFile
from harness.store.run_folder import run_paths
from harness.verdict.noise import median_in

_MOST_FILES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Measured seconds.

    Attributes:
        load_s: how long a load took, by candidate.
        load_rates: bytes per second of all loads, those of models that are not asked this time too.
        sample_s: how long a sample took with all slots at work, by candidate and task.
        token_s: how long a token of a single answer took, by candidate.
        prompt_token_s: how long a token of its prompt took.
        answer_rates: bytes of weights that were read a second, with all slots at work, by model and task; of all chat
            models.
    """

    load_s: dict[str, float] = field(default_factory=dict)
    load_rates: list[float] = field(default_factory=list)
    sample_s: dict[tuple[str, str], float] = field(default_factory=dict)
    token_s: dict[str, float] = field(default_factory=dict)
    prompt_token_s: dict[str, float] = field(default_factory=dict)
    answer_rates: list[float] = field(default_factory=list)

    @property
    def load_bytes_s(self) -> float | None:
        """How fast loads usually were; None where none was measured."""
        return median(self.load_rates) if self.load_rates else None

    @property
    def answer_bytes_s(self) -> float | None:
        """How fast models usually answered; None where none was timed."""
        return median(self.answer_rates) if self.answer_rates else None


def read_history(settings: Settings, models: Sequence[Model]) -> History:
    """Return what the newest run files of the results folder say about these models.

    A file counts if its run was on this machine and server, with the same output limit and concurrency. Files that are
    empty or cannot be read are ignored: this is only an estimate.
    """
    found = History()
    paths: list[Path] = []
    with suppress(StoreError):
        paths = run_paths(settings.results)
    for path in paths[:_MOST_FILES]:
        with suppress(StoreError):
            _read(path, settings, {model.name: model for model in models}, found)
    return found


def _read(path: Path, settings: Settings, models: Mapping[str, Model], found: History) -> None:
    header = read_header(path)
    if header is None or not _is_here(header, settings):
        return
    seen = RunFile.read(path)
    _read_tokens(seen, models, found)
    if header.settings.get("concurrency") == settings.concurrency:
        _read_rates(seen, settings, found)  # Bytes a second do not depend on how long answers may be.
    if not _is_same(header, settings):
        return
    slots: dict[str, int] = {}
    for use in seen.uses:
        model = models.get(use.model_key)
        if model is not None and model.size_bytes == use.size_bytes:
            slots[use.model_key] = _slots(use, settings)
            if use.load_wall_s is not None:
                found.load_s.setdefault(use.model_key, use.load_wall_s)
    for key, cell in seen.cells.items():
        times = [sample.e2e_s for sample in cell if sample.e2e_s is not None]
        if times and key.model_key in slots:
            found.sample_s.setdefault(key, fmean(times) / slots[key.model_key])


def _read_rates(seen: RunFile, settings: Settings, found: History) -> None:
    """Note how fast any model was loaded, and its weights were read for answers: others are taken for as fast."""
    active_bytes: dict[str, float] = {}
    for use in seen.uses:
        if use.size_bytes:
            active_bytes[use.model_key] = _slots(use, settings) * use.size_bytes * active_share(use.params)
            if use.load_wall_s:
                found.load_rates.append(use.size_bytes / use.load_wall_s)
    for key, cell in seen.cells.items():
        timed = [(sample.output_tokens, sample.e2e_s) for sample in cell if sample.output_tokens and sample.e2e_s]
        if timed and key.model_key in active_bytes:
            tokens, times = map(sum, zip(*timed, strict=True))
            found.answer_rates.append(active_bytes[key.model_key] * tokens / times)


def _slots(use: InstanceRecord, settings: Settings) -> int:
    slots: int = settings.concurrency or use.effective_config.get("parallel") or 1
    return slots


def _read_tokens(seen: RunFile, models: Mapping[str, Model], found: History) -> None:
    """Note the pace of single requests, as the latency suite measured it of the same files."""
    for use in seen.uses:
        model = models.get(use.model_key)
        if model is None or model.size_bytes != use.size_bytes:
            continue
        if token_s := median_in(seen, use.model_key, "tpot_s"):
            found.token_s.setdefault(use.model_key, token_s)
        if prefill_tps := median_in(seen, use.model_key, "prefill_tps"):
            found.prompt_token_s.setdefault(use.model_key, 1 / prefill_tps)


def _is_here(run: RunRecord, settings: Settings) -> bool:
    is_same_machine = (run.cpu, run.cpu_count) == (cpu_name(), os.cpu_count())
    return is_same_machine and run.settings.get("url") == settings.url


def _is_same(run: RunRecord, settings: Settings) -> bool:
    return all(run.settings.get(name) == getattr(settings, name) for name in ("max_output_tokens", "concurrency"))
