"""MMLU as its authors publish it: test/SUBJECT_test.csv, and for the examples dev/SUBJECT_dev.csv (docs/formats.md)."""

import csv
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import StoreError
from harness.store.row import Row
from harness.store.source import open_source

_SHOTS = 5
_COLUMNS = ("question", "A", "B", "C", "D", "answer")
_LETTERS = _COLUMNS[1:5]
_SPLITS = ("_test", "_val", "_dev")
_DEFAULTS = MappingProxyType(
    {
        "prompt": "{examples}{question}\nA. {A}\nB. {B}\nC. {C}\nD. {D}\nAnswer:",
        "id": "item",
        "strata": "subject",
        "tags": ["subject"],
        "target": {"label": "{answer}", "labels": [*_LETTERS]},
        "scorer": "choice",
        "max_output_tokens": 128,
    }
)


class MmluFile:
    """A row is a question with four options; `examples` are the five of its subject's dev file."""

    reads_folders = True

    @property
    def defaults(self) -> Mapping[str, Any]:
        """Five answered questions of the same subject, then the question; the letter is judged."""
        return _DEFAULTS

    def files(self, data: Path, *, columns: Collection[str]) -> Sequence[Path]:
        """Return the files of all subjects and, where the definition wants examples, their dev files."""
        files = _data_files(data)
        return [*files, *map(_dev_file, files)] if "examples" in columns else files

    def rows(self, data: Path, *, columns: Collection[str]) -> Iterator[Row]:
        """Yield the questions of a subject's file, or of all subjects in a folder.

        Raises:
            StoreError: a file cannot be read, or the dev file of a subject is missing.
        """
        files = _data_files(data)
        if not files:
            raise StoreError(f"{data}: expected files such as astronomy_test.csv, but there is no .csv file")
        for file in files:
            subject = _subject(file)
            given = {"subject": subject}
            if "examples" in columns:
                given["examples"] = _examples(file, subject)
            for row in _questions(file):
                if not isinstance(row.content, str):
                    row.content.update(given, item=f"{subject}-{row.number}")
                yield row


def _data_files(data: Path) -> list[Path]:
    return sorted(data.glob("*.csv")) if data.is_dir() else [data]


def _dev_file(file: Path) -> Path:
    """Return where the examples of a subject's file stand: beside it, else in the folder dev beside its folder."""
    name = f"{_subject(file)}_dev.csv"
    beside = file.with_name(name)
    return beside if beside.is_file() else file.parent.parent / "dev" / name


def _subject(file: Path) -> str:
    stem = file.stem
    return next((stem.removesuffix(split) for split in _SPLITS if stem.endswith(split)), stem)


def _questions(file: Path) -> Iterator[Row]:
    with open_source(file) as source:
        rows = csv.reader(source.lines(), strict=True)
        try:
            for number, cells in enumerate(rows, 1):
                place = f"{file}:{rows.line_num}"
                if len(cells) != len(_COLUMNS):
                    yield Row(number, place, f"expected a question, four options and a letter, got {len(cells)} cells")
                else:
                    yield Row(number, place, dict(zip(_COLUMNS, cells, strict=True)))
        except csv.Error as exc:
            raise StoreError(f"{file}:{rows.line_num}: expected CSV: {exc}") from exc


def _examples(file: Path, subject: str) -> str:
    dev = _dev_file(file)
    if not dev.is_file():
        raise StoreError(
            f"{dev} does not exist: MMLU is asked with {_SHOTS} answered questions of the subject's dev file",
            hint="Keep the folders dev and test side by side, or write a prompt without {examples}.",
        )
    about = f"The following are multiple choice questions (with answers) about {subject.replace('_', ' ')}.\n\n"
    shown = []
    for row in islice(_questions(dev), _SHOTS):
        if isinstance(row.content, str):
            raise StoreError(f"{row.place}: {row.content}")
        options = "".join(f"\n{letter}. {row.content[letter]}" for letter in _LETTERS)
        shown.append(f"{row.content['question']}{options}\nAnswer: {row.content['answer']}\n\n")
    if len(shown) < _SHOTS:
        raise StoreError(f"{dev}: expected {_SHOTS} answered questions, got {len(shown)}")
    return about + "".join(shown)
