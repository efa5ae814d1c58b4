"""CLINC150 as its authors publish it: data_full.json and its kin (docs/formats.md)."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.errors import StoreError
from harness.scoring.clinc150 import OUT_OF_SCOPE
from harness.store.row import Row
from harness.store.source import open_source

_SPLITS = ("test", "oos_test")
_DEFAULTS = MappingProxyType(
    {
        "prompt": (
            "Which of these intents does the request have?\n\nIntents: {intent_list}\n\nRequest: {text}\n\n"
            f"Answer with one intent of the list only, or with {OUT_OF_SCOPE} if none of them fits."
        ),
        "strata": "scope",
        "tags": ["scope"],
        "target": {"label": "{intent}", "labels": "{labels}"},
        "scorer": "clinc150",
        "max_output_tokens": 64,
    }
)


class Clinc150File:
    """A row is a request of the test set with its intent; those out of scope have the intent `oos`."""

    reads_folders = False

    @property
    def defaults(self) -> Mapping[str, Any]:
        """All intents, then the request; the intent is judged."""
        return _DEFAULTS

    def files(self, data: Path, *, columns: Collection[str]) -> Sequence[Path]:  # noqa: ARG002  (the protocol's)
        """Return the file itself."""
        return [data]

    def rows(self, data: Path, *, columns: Collection[str]) -> Iterator[Row]:  # noqa: ARG002  (the protocol's)
        """Yield the requests of the test set, and then those that are out of scope.

        Raises:
            StoreError: it cannot be read, or is not one object with the splits.
        """
        with open_source(data) as source:
            text = "".join(source.lines())
        try:
            splits = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise StoreError(f"{data}: expected JSON: {exc}") from exc
        if not isinstance(splits, dict) or not all(isinstance(splits.get(split), list) for split in _SPLITS):
            raise StoreError(f"{data}: expected an object with the lists {' and '.join(_SPLITS)}, as in data_full.json")
        intents = sorted({pair[1] for pairs in splits.values() for pair in pairs if _is_pair(pair)} - {OUT_OF_SCOPE})
        shared = {"intent_list": ", ".join(intents), "labels": [*intents, OUT_OF_SCOPE]}
        for split in _SPLITS:
            for number, pair in enumerate(splits[split], 1):
                place = f"{data}: {split} {number}"
                if not _is_pair(pair):
                    yield Row(number, place, "expected a request and its intent, both texts")
                    continue
                scope = "out of scope" if pair[1] == OUT_OF_SCOPE else "in scope"
                yield Row(number, place, {"text": pair[0], "intent": pair[1], "scope": scope, **shared})


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)  # noqa: PLR2004
