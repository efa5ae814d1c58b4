"""How much memory the end of a run takes for each of its samples, beside the run file's own columns."""

import tracemalloc
from collections.abc import Callable

from harness.domain.record import SampleRecord
from harness.settings import Settings
from harness.verdict.comparison import comparisons
from harness.verdict.waiting import waitings
from tests.store.written import written
from tests.verdict.test_comparison import BIG, HEAD, cell, ones

COUNT = 2000
TIMES = {"ttft_s": 0.25, "e2e_s": 1.0, "total_s": 1.0}


def most_bytes(work: Callable[[], object]) -> float:
    work()  # What it imports and caches is not meant.
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / COUNT
    finally:
        tracemalloc.stop()


def test_scores_by_item_are_put_together_only_where_there_is_something_to_claim() -> None:
    run = written(*cell(BIG, ones(COUNT, COUNT)))
    assert most_bytes(lambda: list(comparisons(run, Settings(), reference=BIG, head=lambda: HEAD))) < 10
    assert most_bytes(lambda: list(comparisons(run, Settings(), reference=None, head=lambda: HEAD))) < 10


def test_waits_take_little_more_than_the_times() -> None:
    records = [
        record.model_copy(update={"times": TIMES, "usage": {"total_output_tokens": 9}})
        if isinstance(record, SampleRecord)
        else record
        for record in cell(BIG, ones(COUNT, COUNT))
    ]
    run = written(*records)
    assert [waiting.answer and waiting.answer.n for waiting in waitings(run)] == [COUNT]
    assert most_bytes(lambda: waitings(run)) < 130
