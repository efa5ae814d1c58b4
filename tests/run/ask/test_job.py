"""The jobs of a task."""

import tracemalloc
from dataclasses import replace

from harness.run.ask.job import Jobs, jobs_of, only
from harness.settings import Settings
from tests.run.conftest import TASK

COUNT = 2000


def jobs(count: int, *, epochs: int = 1) -> Jobs:
    settings = replace(Settings(), epochs=epochs, limit=count)
    return jobs_of(TASK, settings, limit=count, address="a", reasoning=None, room_tokens=TASK.room_tokens)


def test_every_sample_is_asked_in_each_epoch_in_turn() -> None:
    items = [sample.item_id for sample in TASK.samples(seed=Settings().seed, limit=3)]
    made = jobs(3, epochs=2)
    assert [job.place for job in made] == [(item, epoch) for epoch in (1, 2) for item in items]
    assert made[-1].place == (items[2], 2)
    assert [job.epoch for job in made[2:4]] == [1, 2]
    assert made[0].request.input == made[3].request.input == made[0].sample.prompt


def test_only_the_wanted_jobs_are_left_in_their_order() -> None:
    made = jobs(6)
    left = only(made, lambda job: job.place in {made[1].place, made[4].place})
    assert [job.place for job in left] == [made[1].place, made[4].place]
    assert [job.place for job in only(left, lambda job: job.place != made[1].place)] == [made[4].place]


def test_requests_are_not_made_before_they_are_asked() -> None:
    samples = TASK.samples(seed=0, limit=COUNT)
    task = replace(TASK, generate=lambda _, n: samples[:n])
    tracemalloc.start()
    try:
        made = jobs_of(task, Settings(), limit=COUNT, address="a", reasoning=None, room_tokens=task.room_tokens)
        left = only(made, lambda job: job.epoch == 1)
        kept_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert len(left) == COUNT
    assert kept_bytes / COUNT < 24
