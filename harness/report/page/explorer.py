"""The samples of a page, as the JSON that its script reads: the worst and the flipped ones first, each prompt once."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.domain.record import SampleRecord
from harness.domain.sample import canonical_json
from harness.report.chart.label import names
from harness.report.page.rerun import rerun_command, show_command, word
from harness.report.sample import LONGEST, images_in_words
from harness.store.cell import CellKey, SampleEntry
from harness.store.run_file import RunFile
from harness.verdict.value import value_of
from harness.verdict.worst import badness

MOST_SAMPLES = 10_000
MOST_BYTES = 17_000_000
"""Of JSON, so that the page stays below 20 MB."""

LONGEST_NAME = 300
"""Characters of a name that the script knows."""

LONGEST_IMAGE = 1000
"""Characters of what is said of an image."""

_LONGEST_REASON = 500
_SHORT_NAME_WIDTH = 184
"""How wide the name of a model in a row may be, in pixels of `report/chart/label`."""
_SHORT = 300
_LONG_SHARE = 0.4

Text = str | list[str | int]
"""A text; if it is too long: its beginning, its end and its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A model on a task, and the run whose answers count."""

    run: RunFile
    key: CellKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Explorer:
    """The samples of a page.

    Attributes:
        data: what the script reads.
        shown: samples in it.
        total: samples in the runs.
    """

    data: Mapping[str, Any] = field(default_factory=dict)
    shown: int = 0
    total: int = 0

    def to_json(self) -> str:
        """Return the data as JSON in ASCII that can stand within a script element."""
        return script_json(self.data)


def script_json(value: object) -> str:
    """Return JSON that nothing can end early: no <, > or &, and ASCII only, which leaves out U+2028 and U+2029."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def explorer(sources: Sequence[Source], *, most: int = MOST_SAMPLES, most_bytes: int = MOST_BYTES) -> Explorer:
    """Return the samples of these cells, as many as a page can hold: the worst and the flipped ones first.

    The epochs of an item stay together. Once two fifths of the bytes are spent, texts are cut shorter, so that all
    scores, and the beginning of each answer, find a place.

    Raises:
        StoreError: a run file cannot be read any more.
    """
    rows = sorted((row for source in sources for row in _rows(source)), key=lambda row: (row.task, row.item_id))
    _compare(rows)
    rows.sort(key=_Row.order)
    made = _Data()
    shown = size = 0
    for row in rows:
        if shown + len(row.samples) > most:
            break
        if size > _LONG_SHARE * most_bytes:
            made.longest = _SHORT
        size += made.add(row)
        if size > most_bytes:
            made.drop()
            break
        shown += len(row.samples)
    return Explorer(data=made.as_dict(), shown=shown, total=sum(len(row.samples) for row in rows))


@dataclass(slots=True, kw_only=True)
class _Row:
    """A model on an item: all its epochs."""

    source: Source
    item_id: str
    samples: list[SampleEntry] = field(default_factory=list)
    item_mean: float = 0.0
    is_flipped: bool = False

    @property
    def task(self) -> str:
        return self.source.key.task

    def values(self, reducer: str) -> list[float | None]:
        """Return what counts of each epoch."""
        run = self.source.run
        return [value_of(run.score(sample), reducer) if sample.is_counted else None for sample in self.samples]

    def passes(self) -> bool | None:
        """Return whether most epochs pass; None: none was judged."""
        known = [value for value in self.values("majority") if value is not None]
        return 2 * sum(known) > len(known) if known else None

    def order(self) -> tuple[bool, tuple[int, float, float]]:
        """Return what rows are ordered by: those that do not pass or are flipped, and the worst of them first."""
        worst = min(
            badness(is_counted=sample.is_counted, value=value, item_mean=self.item_mean)
            for sample, value in zip(self.samples, self.values("mean"), strict=True)
        )
        return not self.is_flipped and self.passes() is True, worst


def _rows(source: Source) -> Iterator[_Row]:
    rows: dict[str, _Row] = {}
    for sample in source.run.cells.get(source.key, ()):
        rows.setdefault(sample.item_id, _Row(source=source, item_id=sample.item_id)).samples.append(sample)
    yield from rows.values()


def _compare(rows: Sequence[_Row]) -> None:
    """Tell each row how the other models did on its item."""
    items: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in rows:
        items[row.task, row.item_id].append(row)
    for same in items.values():
        values = [value for row in same for value in row.values("mean") if value is not None]
        is_flipped = {True, False} <= {row.passes() for row in same}
        for row in same:
            row.item_mean = sum(values) / len(values) if values else 0.0
            row.is_flipped = is_flipped


class _Data:
    """What the script reads, put together row by row. Names, prompts and items stand once and have numbers."""

    def __init__(self) -> None:
        self.longest = LONGEST
        self._rows: list[dict[str, Any]] = []
        self._numbers: dict[str, dict[Any, int]] = defaultdict(dict)
        self._values: dict[str, list[Any]] = defaultdict(list)

    def add(self, row: _Row) -> int:
        """Add a row; return by about how many bytes of JSON the data grew."""
        grown = 0
        run, key = row.source.run, row.source.key
        records = [run.sample_record(sample) for sample in row.samples]
        target = records[0].target
        item = {
            "id": row.item_id[:LONGEST_NAME],
            "task": self._number("tasks", key.task, key.task[:LONGEST_NAME]),
            "target": self._cut(target if isinstance(target, str) else json.dumps(target, ensure_ascii=False)),
            "flipped": row.is_flipped,
            "word": word(row.item_id),
        }
        item_number, is_new = self._placed("items", (key.task, row.item_id), item)
        grown += len(script_json(item)) if is_new else 0
        epochs = []
        for sample, record in zip(row.samples, records, strict=True):
            prompt, size = self._prompt(run, record)
            grown += size
            score = run.score(sample)
            judged = None if score is None else run.score_record(score)
            epochs.append(
                {
                    "n": sample.epoch,
                    "outcome": self._number("outcomes", sample.outcome, sample.outcome[:LONGEST_NAME]),
                    "counts": sample.is_counted,
                    "score": None if score is None or not sample.is_counted else score.value,
                    "passed": _passed(sample, value_of(score, "majority")),
                    "reason": "" if judged is None else judged.reason[:_LONGEST_REASON],
                    "answer": self._cut(record.output_text),
                    "thoughts": self._cut(record.reasoning_text),
                    "turns": [self._cut(str(turn.get("output_text", ""))) for turn in record.turns],
                    "error": (record.error or "")[:_LONGEST_REASON],
                    "e2e": _rounded(sample.e2e_s),
                    "ttft": _rounded(sample.ttft_s),
                    "tokens": sample.output_tokens,
                    "prompt": prompt,
                }
            )
        model = self._number("models", key.model_key, key.model_key[:LONGEST_NAME])
        cell = self._number("cells", (run.path, key), _commands(run, key))
        made = {"item": item_number, "model": model, "cell": cell, "epochs": epochs}
        self._rows.append(made)
        return grown + len(script_json(made))

    def drop(self) -> None:
        """Leave out the row that was added last; what only it refers to may stay."""
        self._rows.pop()

    def as_dict(self) -> dict[str, Any]:
        """Return the data."""
        parts = ("tasks", "models", "outcomes", "cells", "items", "prompts")
        short = names(self._values["models"], _SHORT_NAME_WIDTH)
        found = {name: self._values[name] for name in parts}
        return {**found, "short": [short[model] for model in found["models"]], "rows": self._rows}

    def _number(self, name: str, key: Any, value: Any) -> int:
        return self._placed(name, key, value)[0]

    def _placed(self, name: str, key: Any, value: Any) -> tuple[int, bool]:
        """Return the number of a value that stands once, and whether it is new."""
        numbers = self._numbers[name]
        if key in numbers:
            return numbers[key], False
        numbers[key] = len(numbers)
        self._values[name].append(value)
        return numbers[key], True

    def _cut(self, text: str) -> Text:
        return cut(text, self.longest)

    def _prompt(self, run: RunFile, sample: SampleRecord) -> tuple[int | None, int]:
        """Return the number of a prompt, None where it was not recorded, and by how many bytes the data grew."""
        known = self._numbers["prompts"].get(sample.prompt_hash)
        if known is not None or (prompt := run.prompt(sample)) is None:
            return known, 0
        said = {
            "system": None if prompt.system_prompt is None else self._cut(prompt.system_prompt),
            "turns": list(map(self._cut, prompt.turns)),
            "continues": prompt.continues,
            "text": self._cut(prompt.prompt),
            "tools": [self._cut(canonical_json(tool)) for tool in prompt.tools],
            "images": [image[:LONGEST_IMAGE] for image in images_in_words(prompt, sample)],
        }
        return self._number("prompts", sample.prompt_hash, said), len(script_json(said))


def cut(text: str, longest: int = LONGEST) -> Text:
    """Return a text, without its middle where it is long: the question of a long prompt stands at its end."""
    if len(text) <= longest:
        return text
    end = longest // 3
    return [text[: longest - end], text[-end:], len(text)]


def _commands(run: RunFile, key: CellKey) -> dict[str, str | None]:
    return {"rerun": rerun_command(run.run, key), "show": show_command(run.path, key)}


def _passed(sample: SampleEntry, value: float | None) -> bool | None:
    return None if value is None or not sample.is_counted else value == 1


def _rounded(figure: float | None) -> float | None:
    return None if figure is None else round(figure, 3)
