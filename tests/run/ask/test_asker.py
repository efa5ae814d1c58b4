import pytest

from harness.domain.model import Capabilities, Model, ModelKey
from harness.domain.sample import Sample
from harness.domain.score import Score
from harness.errors import TaskError
from harness.run.ask.reasoning import reasoning_for
from harness.run.ask.request import request_for
from harness.run.plan.plan import fits, load_config
from harness.settings import Settings
from harness.task.task import Needs, Task


class Echo:
    name = "echo"
    version = "1"

    def __call__(self, output: str, target: object) -> Score:
        return Score(value=float(output == target))


def task(*, needs: Needs = Needs(), prompt_tokens: int = 160, max_output_tokens: int = 96) -> Task:  # noqa: B008
    return Task(
        name="echo",
        task_class="echo",
        generate=lambda seed, n: [Sample(item_id=f"echo-{seed}-{i}", prompt=str(i), target=str(i)) for i in range(n)],
        scorer=Echo(),
        max_output_tokens=max_output_tokens,
        prompt_tokens=prompt_tokens,
        needs=needs,
    )


def model(*, reasoning: tuple[str, ...] | None = None, max_context: int = 32768, type_: str = "llm") -> Model:
    able = Capabilities(reasoning_options=reasoning)
    return Model(key=ModelKey("acme/tiny"), type=type_, capabilities=able, max_context_length=max_context)


@pytest.mark.parametrize(
    ("options", "wanted", "sent"),
    [
        (None, None, None),
        (None, "off", None),
        ((), "off", None),
        (("off", "on"), None, "off"),
        (("off", "on"), "on", "on"),
        (("low", "medium", "high"), None, "low"),
        (("low", "medium", "high"), "off", "low"),
        (("ultra", "xhigh", "medium"), None, "medium"),
        (("ultra",), None, "ultra"),
    ],
)
def test_reasoning_is_sent_only_where_listed_and_as_low_as_possible(
    options: tuple[str, ...] | None, wanted: str | None, sent: str | None
) -> None:
    assert reasoning_for(model(reasoning=options), wanted) == sent


def test_reasoning_for_a_model_without_capabilities_is_not_sent() -> None:
    assert reasoning_for(Model(key=ModelKey("m"), type="llm"), "off") is None


@pytest.mark.parametrize(
    ("reasoning", "bound", "expected"), [(None, None, 96), ("off", 40, 40), ("off", 500, 96), ("low", 40, 2088)]
)
def test_the_output_budget_is_bounded_and_grows_by_what_reasoning_needs(
    reasoning: str | None, bound: int | None, expected: int
) -> None:
    sample = task().samples(seed=0, limit=1)[0]
    request = request_for(task(), sample, address="acme/tiny:2", reasoning=reasoning, max_output_tokens=bound)
    assert request.max_output_tokens == expected
    assert (request.model, request.temperature, request.store) == ("acme/tiny:2", 0.0, False)


def test_the_context_holds_the_requests_of_all_slots() -> None:
    settings = Settings()
    assert load_config(model(), [task()], settings).context_length == 2048
    assert load_config(model(), [task(prompt_tokens=2000)], settings).context_length == 16384
    assert load_config(model(), [task(prompt_tokens=2000)], Settings(concurrency=1)).context_length == 4096
    assert load_config(model(max_context=8192), [task(prompt_tokens=9000)], settings).context_length == 8192
    assert load_config(model(reasoning=("low",)), [task()], settings).context_length == 16384
    assert load_config(model(), [task()], Settings(context_length=777)).context_length == 777


def test_a_task_is_given_only_to_a_model_that_can_do_it() -> None:
    assert fits(task(), model()) is None
    assert fits(task(needs=Needs(vision=True)), model()) == "needs a model with vision"
    assert fits(task(needs=Needs(tools=True)), model()) == "needs a model trained for tool use"
    assert fits(task(needs=Needs(embedding=True)), model()) == "needs an embedding model"
    assert fits(task(), model(type_="embedding")) == "needs a chat model"


def test_samples_that_are_too_few_or_share_an_id_are_an_error() -> None:
    twins = Task(
        name="twins",
        task_class="twins",
        scorer=Echo(),
        max_output_tokens=1,
        prompt_tokens=1,
        generate=lambda _, n: [Sample(item_id="same", prompt="", target="") for _ in range(n)],
    )
    assert len(twins.samples(seed=0, limit=1)) == 1
    with pytest.raises(TaskError, match="expected 1 to 2 samples with distinct ids, got 2 with 1"):
        twins.samples(seed=0, limit=2)


def test_equal_fingerprints_ask_and_judge_the_same() -> None:
    one = task()
    samples = one.samples(seed=0, limit=3)
    assert one.fingerprint(samples) == task().fingerprint(samples)
    assert one.fingerprint(samples) != one.fingerprint(one.samples(seed=1, limit=3)[:2])
