"""The kinds of records: what `kind` at the beginning of a line means."""

from typing import ClassVar

from harness.domain.record import (
    ComparisonRecord,
    EndRecord,
    InstanceRecord,
    ItemRecord,
    MeasureRecord,
    PromptRecord,
    Record,
    ReleaseRecord,
    RunRecord,
    SampleRecord,
    ScoreRecord,
    SkipRecord,
    SummaryRecord,
)


class Kinds:
    """The class of each `kind`."""

    by_name: ClassVar[dict[str, type[Record]]] = {
        "run": RunRecord,
        "instance": InstanceRecord,
        "release": ReleaseRecord,
        "prompt": PromptRecord,
        "sample": SampleRecord,
        "score": ScoreRecord,
        "measure": MeasureRecord,
        "skip": SkipRecord,
        "item": ItemRecord,
        "summary": SummaryRecord,
        "comparison": ComparisonRecord,
        "end": EndRecord,
    }
