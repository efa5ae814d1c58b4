"""A task's samples are asked in the way of the models that it needs."""

import pytest

from harness import Exact, Needs, Sample, Task
from harness.errors import TaskError


@pytest.mark.parametrize(
    ("texts", "needs", "said"),
    [
        (
            (),
            Needs(embedding=True),
            "expected samples with two texts or more, as it needs an embedding model, got 0 in one",
        ),
        (
            ("alone",),
            Needs(embedding=True),
            "expected samples with two texts or more, as it needs an embedding model, got 1 in one",
        ),
        (("query", "document"), Needs(), "expected samples with no texts, got 2 in one"),
    ],
)
def test_a_sample_that_its_models_cannot_be_asked_is_refused(texts: tuple[str, ...], needs: Needs, said: str) -> None:
    sample = Sample(item_id="one", prompt="?", target="!", texts=texts)
    task = Task(
        name="mixed",
        task_class="mixed",
        generate=lambda seed, n: [sample],
        scorer=Exact(),
        max_output_tokens=8,
        prompt_tokens=64,
        needs=needs,
    )
    with pytest.raises(TaskError, match=said):
        task.samples(seed=0, limit=1)
