"""The samples of an own task, kept outside the memory of the process: a file may have tens of thousands of rows."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import overload

from harness.domain.sample import ImageFile, Json, Sample
from harness.store.spool import Spool
from harness.task.task import SoundSamples

_NAMES = tuple(field.name for field in fields(Sample))
_ID, _STRATUM = 2 + _NAMES.index("item_id"), 2 + _NAMES.index("stratum")


class SampleStore:
    """Where samples are kept, each with the place of its row. What all have in common is kept once.

    Args:
        labels: which the targets of a scorer of labels repeat.
        examples: the text that every prompt begins with.
    """

    def __init__(self, labels: Sequence[str], examples: str) -> None:
        self._spool = Spool()
        self._labels = list(labels)
        self._examples = examples
        self._hashes: array[int] = array("Q")  # 0: not known yet.

    def __len__(self) -> int:
        return len(self._spool)

    def add(self, sample: Sample, place: str) -> None:
        """Keep a sample.

        Raises:
            StoreError: there is no space for it.
            ValueError: its target or its tags are nested too deeply.
        """
        values = {name: getattr(sample, name) for name in _NAMES}
        target, has_labels = self._without_labels(sample.target)
        values["prompt"] = sample.prompt.removeprefix(self._examples)
        values["target"] = target
        values["images"] = [
            (str(image.path), image.sha256, image.size_bytes) for image in sample.images if isinstance(image, ImageFile)
        ]
        self._spool.append([place, has_labels, *values.values()])
        self._hashes.append(0)

    def sample(self, number: int) -> Sample:
        """Return a sample by its number, from 0, in the order in which they were added."""
        _, has_labels, *found = self._spool.value(number)
        values = dict(zip(_NAMES, found, strict=True))
        values["prompt"] = self._examples + values["prompt"]
        values["turns"] = tuple(values["turns"])
        values["tools"] = tuple(values["tools"])
        if has_labels:
            values["target"]["labels"] = self._labels
        values["images"] = tuple(
            ImageFile(path=Path(path), sha256=sha256, size_bytes=size) for path, sha256, size in values["images"]
        )
        return Sample(**values)

    def place(self, number: int) -> str:
        """Return where the row of a sample stands."""
        return str(self._spool.value(number)[0])

    def key(self, number: int) -> tuple[str, str]:
        """Return the id and the stratum of a sample."""
        value = self._spool.value(number)
        return value[_ID], value[_STRATUM]

    def item_hash(self, number: int, sample: Sample | None = None) -> str:
        """Return the hash of a sample, which is taken once; whoever has the sample at hand gives it."""
        if not self._hashes[number]:
            self._hashes[number] = int((sample or self.sample(number)).item_hash, 16)
        return f"{self._hashes[number]:016x}"

    def _without_labels(self, target: Json) -> tuple[Json, bool]:
        if self._labels and isinstance(target, dict) and target.get("labels") == self._labels:
            return {name: value for name, value in target.items() if name != "labels"}, True
        return target, False


class KeptSamples(SoundSamples):
    """Some of the samples in a store, in some order; each is made anew whenever it is looked at.

    Args:
        store: that has them.
        numbers: of the samples; None: all, in the order of the store.

    Attributes:
        numbers: the same.
    """

    def __init__(self, store: SampleStore, numbers: "range | array[int] | None" = None) -> None:
        self._store = store
        self.numbers = range(len(store)) if numbers is None else numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[Sample]:
        return map(self._store.sample, self.numbers)

    @overload
    def __getitem__(self, index: int) -> Sample: ...

    @overload
    def __getitem__(self, index: slice) -> "KeptSamples": ...

    def __getitem__(self, index: int | slice) -> "Sample | KeptSamples":
        if isinstance(index, slice):
            return KeptSamples(self._store, self.numbers[index])
        return self._store.sample(self.numbers[index])

    def item_hashes(self) -> Iterator[str]:
        """Yield the `item_hash` of each sample, in order."""
        return map(self._store.item_hash, self.numbers)

    def keys(self) -> Iterator[tuple[str, str]]:
        """Yield the id and the stratum of each sample, in order."""
        return map(self._store.key, self.numbers)

    def place(self, index: int) -> str:
        """Return where the row of the sample at an index stands."""
        return self._store.place(self.numbers[index])

    def in_order(self, indices: Iterable[int]) -> "KeptSamples":
        """Return the samples at these indices."""
        return KeptSamples(self._store, array("q", (self.numbers[index] for index in indices)))
