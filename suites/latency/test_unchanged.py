"""Whether the model still answers as fast as when it was measured first: what the machine did meanwhile is noise."""

import pytest

from harness import Client, Generation, LeasedModel, Run

from .company import Company
from .figure import of_answer, tokens_of
from .probe import NUMBERS, probe

ROUNDS = 10
"""After one that is not counted."""

_NAMES = ("ttft_s", "tpot_s", "decode_tps", "e2e_s")


@pytest.mark.lms_thorough
def test_late_block(lms_run: Run, lms_client: Client, lms_instance: LeasedModel) -> None:
    """The single requests of `test_latency` once more, after everything else: `late_…` figures (docs/latency.md)."""
    company = Company(lms_run, lms_instance)
    answers: list[Generation] = [
        lms_client.chat(probe(lms_instance, next(NUMBERS)), stream=True) for _ in range(1 + ROUNDS)
    ]
    others = company.seen()
    for number, answer in enumerate(answers[1:], 1):
        figures = of_answer(answer)
        for name in filter(figures.__contains__, _NAMES):
            value, unit = figures[name]
            lms_run.recorder.measure(
                f"late_{name}",
                value,
                unit,
                model=lms_instance.model,
                instance_id=lms_instance.instance_id,
                round=number,
                cold=False,
                concurrency=1,
                **tokens_of(answer),
                **others,
            )
