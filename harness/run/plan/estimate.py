"""How long a run will take: as earlier runs did, or guessed from the sizes of the models."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.domain.model import Model
from harness.run.ask.reasoning import does_reason, reasoning_for
from harness.run.ask.room import prompt_tokens
from harness.run.plan.budget import Basis, CellCost, ModelCost
from harness.run.plan.history import History
from harness.selection.selection import active_share
from harness.settings import Settings
from harness.task.task import Task

_BANDWIDTH_BYTES_S = 10e9
_PREFILL_TO_DECODE = 4
_DISK_BYTES_S = 1e9
_THOROUGH_LOADS = 22
"""The loads of a model in a thorough run: 1 uncounted, 3 cold, 5 warm, 6 by a request, 6 beside those, the lease."""
_THOROUGH_EMBEDDER_LOADS = 10
"""Those of an embedding model, which no request loads."""
_MOST_WARM_LOADS = 3
_LEAST_ROUNDS, _LEAST_WINDOWS, _MOST_ROUNDS = 4, 3, 30
"""The rounds that the latency suite asks if it is not thorough: of single requests, with all slots at work, of each."""
_PROMPT_TOKENS, _OUTPUT_TOKENS, _SLOTS = 90, 40, 4
"""Of a short request, and how many slots an instance has; LM Studio's default is 4."""
_GAIN_AT_ONCE = 2
"""How many times as fast all slots decode together as one. Measured: 1.2 to 1.7 on 2 cores, with 4 slots; a GPU gains
more, up to their number, so the guess is wrong by a factor of two at most."""
_SINGLE_REQUESTS, _REQUESTS_AT_ONCE = 146, 350
"""What the latency suite asks of a model with `thorough`: singly 30 and 10 late ones, each after a warm-up, the first
step of the ladder (7 x 2) and three passes of flips (3 x 30); several at a time all slots (31 x 4), the other steps of
the ladder (7 x 2 x (2 + 4 + 8)), and one pass of flips."""
_DEPTHS = (128, 512, 2048, 8000)
_DEPTH_ROUNDS, _DEPTH_OUTPUT_TOKENS = 5, 72
_LONGEST_DEPTH_S = 600.0
"""What it asks at each length of the prompt, which is left out where that takes longer."""
_THOUGHT_ROUNDS, _THOUGHT_TOKENS = 6, 512
"""What it asks of a model that thinks; half of the limit of each round is assumed."""
_BATCHES, _TEXT_TOKENS = (1, 8, 32), 20
"""How many texts the requests to an embedding model have, and how long a text is."""
_SAMPLES_A_TEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The tests that each model gets besides its tasks.

    Attributes:
        tests: how many there are; each asks a few short questions.
        is_measured: whether the latency suite is run.
    """

    tests: int = 0
    is_measured: bool = False


def guess_load_s(model: Model) -> float:
    """Return a guess of how long a load takes: a second, and the file read at 1 GB/s.

    Nothing better can be known before a first load: LM Studio's API does not tell where a model's file lies.
    """
    return 1.0 + model.size_bytes / _DISK_BYTES_S


def load_cost(model: Model, history: History) -> tuple[float, Basis]:
    """Return how long a load takes: as it did, else as fast as other models' loads were, else a guess."""
    if (measured_s := history.load_s.get(model.name)) is not None:
        return measured_s, "this model"
    if rate := history.load_bytes_s:
        return model.size_bytes / rate, "other models"
    return guess_load_s(model), "assumed"


def measuring_s(model: Model, settings: Settings, history: History | None = None) -> float:
    """Return how long the latency suite takes on a model, without loads: at the pace of earlier runs, else a guess.

    In short it fills a third of its budget with single requests and another with all slots at work, but asks at least
    a few rounds of each, and at most 30.
    """
    known = history or History()
    token_s = known.token_s.get(model.name, _guess_token_s(model, history))
    prompt_token_s = known.prompt_token_s.get(model.name, token_s / _PREFILL_TO_DECODE)
    if model.is_embedding:
        batches_s = [batch * _TEXT_TOKENS * prompt_token_s for batch in _BATCHES]
        return sum(batch_s * _rounds(settings, batch_s, _LEAST_WINDOWS) for batch_s in batches_s)
    if not settings.thorough:
        request_s = _OUTPUT_TOKENS * token_s + _PROMPT_TOKENS * prompt_token_s
        window_s = _SLOTS * (_OUTPUT_TOKENS * token_s / _GAIN_AT_ONCE + _PROMPT_TOKENS * prompt_token_s)
        asked = (request_s, _LEAST_ROUNDS), (window_s, _LEAST_WINDOWS)
        return sum(each_s * (1 + _rounds(settings, each_s, least)) for each_s, least in asked)
    outputs = _OUTPUT_TOKENS * (_SINGLE_REQUESTS + _REQUESTS_AT_ONCE / _GAIN_AT_ONCE)
    prompts = _PROMPT_TOKENS * (_SINGLE_REQUESTS + _REQUESTS_AT_ONCE)
    short_s = outputs * token_s + prompts * prompt_token_s
    rounds_s = [_DEPTH_OUTPUT_TOKENS * token_s + depth * prompt_token_s for depth in _DEPTHS]
    long_s = sum(min(_DEPTH_ROUNDS * round_s, _LONGEST_DEPTH_S) for round_s in rounds_s)
    thinks = does_reason(reasoning_for(model, settings.reasoning))
    thoughts_s = _THOUGHT_ROUNDS * _THOUGHT_TOKENS * token_s if thinks else 0.0
    return short_s + long_s + thoughts_s


def _loads(model: Model, settings: Settings, load_s: float) -> int:
    """Return how often a model is loaded: once in any state, then warm as often as the budget allows, and for use."""
    if settings.thorough:
        return _THOROUGH_EMBEDDER_LOADS if model.is_embedding else _THOROUGH_LOADS
    return 2 + max(1, min(_MOST_WARM_LOADS, int(settings.latency_budget_s / 4 / max(load_s, 1e-3))))


def _rounds(settings: Settings, round_s: float, least: int) -> int:
    if settings.thorough:
        return _MOST_ROUNDS
    return max(least, min(_MOST_ROUNDS, int(settings.latency_budget_s / 3 / max(round_s, 1e-3))))


def guess_sample_s(task: Task, model: Model, settings: Settings, history: History | None = None) -> float:
    """Return a guess of how long a sample takes: all active weights are read once per token.

    They are read as fast as those of models that earlier runs asked here, else at 10 GB/s.
    It assumes that an answer has half of its limit of tokens, and that a prompt's token costs a quarter of an answer's.
    """
    output = min(task.max_output_tokens, settings.max_output_tokens or task.max_output_tokens)
    return (output / 2 + prompt_tokens(task, model, settings) / _PREFILL_TO_DECODE) * _guess_token_s(model, history)


def _guess_token_s(model: Model, history: History | None) -> float:
    return model.size_bytes * active_share(model.params_string) / (_rate(model, history) or _BANDWIDTH_BYTES_S)


def _rate(model: Model, history: History | None) -> float | None:
    """Return how fast weights were read for the answers of chat models here; None: not measured."""
    return history.answer_bytes_s if history and not model.is_embedding else None


def model_cost(
    model: Model,
    tasks: Sequence[Task],
    settings: Settings,
    *,
    history: History,
    work: Work,
    known: Callable[[Task, Model], int],
) -> ModelCost:
    """Return what a model, or one of its reasoning levels, will cost if it is loaded for it alone.

    Args:
        model: that is loaded.
        tasks: that it can be given.
        settings: of the run; with its latency budget, or `thorough`.
        history: of earlier runs.
        work: the tests besides the tasks.
        known: tells how many answers of a cell the resumed run has already.
    """
    key = model.name
    cells = {
        task.name: CellCost(
            sample_s=history.sample_s.get((key, task.name), guess := guess_sample_s(task, model, settings, history)),
            guess_s=guess,
            is_guess=(key, task.name) not in history.sample_s,
            known=known(task, model),
        )
        for task in tasks
    }
    load_s, basis = load_cost(model, history)
    if work.is_measured:
        load_s *= _loads(model, settings, load_s)
    measured_s = measuring_s(model, settings, history) if work.is_measured else 0.0
    slowest_s = max((cell.sample_s for cell in cells.values()), default=0.0)
    fixed_s = load_s + measured_s + work.tests * _SAMPLES_A_TEST * slowest_s
    return ModelCost(
        key=key,
        fixed_s=fixed_s,
        cells=cells,
        load_basis=basis,
        answer_basis="other models" if _rate(model, history) else "assumed",
        measuring_s=measured_s,
        load_s=load_s,
        model_key=model.key,
    )
