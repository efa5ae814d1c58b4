"""What earlier runs on this machine took: the best estimate of what the next one will."""

import os
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from harness.domain.model import Model
from harness.domain.record import InstanceRecord, RunRecord, SampleRecord
from harness.errors import StoreError
from harness.run.provenance import cpu_name
from harness.settings import Settings
from harness.store.reader import read_run

_MOST_FILES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Seconds that were measured: `load_s` by model key, `sample_s` (of the clock, all slots at work) by cell."""

    load_s: dict[str, float] = field(default_factory=dict)
    sample_s: dict[tuple[str, str], float] = field(default_factory=dict)


def read_history(settings: Settings, models: Sequence[Model]) -> History:
    """Return what the newest run files of the results folder tell of these models, asked the same way.

    A file counts if its run was on this machine and server, with the same limit of output tokens. What cannot be read
    is passed over: it is only an estimate.
    """
    found = History()
    for path in sorted(settings.results.glob("*.jsonl"), reverse=True)[:_MOST_FILES]:
        with suppress(StoreError):
            _read(path, settings, {str(one.key): one for one in models}, found)
    return found


def _read(path: Path, settings: Settings, models: dict[str, Model], found: History) -> None:
    slots: dict[str, int] = {}
    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for record in read_run(path):
        if isinstance(record, RunRecord):
            if not _is_same(record, settings):
                return
        elif isinstance(record, InstanceRecord) and record.purpose == "use" and record.error is None:
            model = models.get(record.model_key)
            if model is not None and model.size_bytes == record.size_bytes:
                slots[record.model_key] = settings.concurrency or record.effective_config.get("parallel") or 1
                if record.load_wall_s is not None:
                    found.load_s.setdefault(record.model_key, record.load_wall_s)
        elif isinstance(record, SampleRecord) and record.model_key in slots:
            e2e_s = record.times.get("e2e_s")
            if e2e_s is not None:
                times[record.model_key, record.task].append(e2e_s)
    for cell, values in times.items():
        found.sample_s.setdefault(cell, fmean(values) / slots[cell[0]])


def _is_same(run: RunRecord, settings: Settings) -> bool:
    before = run.settings
    return (run.cpu, run.cpu_count) == (cpu_name(), os.cpu_count()) and all(
        before.get(name) == getattr(settings, name) for name in ("url", "max_output_tokens", "concurrency")
    )
