"""Whether models are quantisations of one model, which stand as a ladder: by size, each against the largest."""

import re
from collections.abc import Sequence

from harness.domain.record import InstanceRecord
from harness.verdict.comparability import Subject


def ladder(subjects: Sequence[Subject]) -> list[tuple[Subject, Subject]]:
    """Return the pairs of a ladder, the largest subject with each other one, the next largest first.

    Empty where these are not quantisations of one model: they differ in name beyond publisher, quantisation and format,
    in architecture or in parameters, or their sizes are not all known and different.
    """
    if not subjects:
        return []
    sized = [(instance.size_bytes or 0, side) for side in subjects if (instance := _instance(side)) is not None]
    if len(sized) < len(subjects) or len({size for size, _ in sized}) < len(sized) or not all(dict(sized)):
        return []
    if len({_base(side) for side in subjects}) > 1:
        return []
    (_, largest), *others = sorted(sized, key=lambda rung: rung[0], reverse=True)
    return [(largest, side) for _, side in others]


def _instance(subject: Subject) -> InstanceRecord | None:
    return subject.run.instances.get(subject.model_key)


def _base(subject: Subject) -> tuple[str, str | None, str | None]:
    instance = _instance(subject)
    assert instance is not None  # noqa: S101  (`ladder` has looked)
    name = subject.model_key.lower().rpartition("/")[2].partition("@")[0]
    for part in filter(None, (instance.quantisation, instance.format)):
        name = re.sub(rf"[-_.]?{re.escape(part.lower())}(?![a-z0-9])", "", name)
    return name, instance.architecture, instance.params
