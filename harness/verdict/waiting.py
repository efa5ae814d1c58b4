"""How long a person waits for each model of a run: for the first word, for a whole answer, for a load."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from statistics import median

from harness.stats.latency import is_one_block, is_time
from harness.store.run_file import RunFile
from harness.verdict.load import (
    LoadKind,
    answers_until_quicker,
    answers_until_small,
    like_for_like,
    load_of,
    loads_of,
)
from harness.verdict.noise import is_blurred, is_plain

_LONG_TOKENS = 8
_WAITS = frozenset({"ttft_s", "e2e_s", "load_time_s"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """A median, and of how many times."""

    seconds: float
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a person waits for with one model.

    Attributes:
        model_key: of the model.
        first_word: None: not timed.
        is_first_word_alone: measured with one request at a time; else while the tasks were answered.
        is_first_word_blurred: it does not tell the model apart from another one: noise explains the difference.
        is_one_block: answers arrive all at once, so that the first word comes with the last.
        answer: a whole one; None: not timed.
        is_answer_to_task: to the tasks of the run; else to the short requests of the latency suite.
        load: None: not timed.
        load_kind: of the load.
        is_resident: the model was loaded before the run.
    """

    model_key: str
    first_word: Wait | None = None
    is_first_word_alone: bool = False
    is_first_word_blurred: bool = False
    is_one_block: bool = False
    answer: Wait | None = None
    is_answer_to_task: bool = False
    load: Wait | None = None
    load_kind: LoadKind | None = None
    is_resident: bool = False

    @property
    def small_from(self) -> int | None:
        """From how many answers on a load is at most a tenth of the time; None: not known."""
        if self.load is None or self.answer is None:
            return None
        return answers_until_small(self.load.seconds, self.answer.seconds)

    def quicker_from(self, resident: "Waiting") -> int | None:
        """From how many answers on loading this model saves time, if the other one is loaded; None: never."""
        if self.load is None or self.answer is None or resident.answer is None:
            return None
        return answers_until_quicker(self.load.seconds, self.answer.seconds, resident.answer.seconds)


def waitings(run: RunFile) -> list[Waiting]:
    """Return the waits of every model of which a run timed anything, in the order in which they were asked."""
    timed = (measure.model_key for measure in run.measures if measure.name in _WAITS)
    keys = [key for key in dict.fromkeys((*(cell.model_key for cell in run.cells), *timed)) if key]
    loads = {key: loads_of([run], key) for key in keys}
    kind = like_for_like(loads.values())
    found = [_waiting(run, key, load_of(loads[key], kind)) for key in keys]
    return [waiting for waiting in found if waiting.first_word or waiting.answer or waiting.load]


def resident_of(run: RunFile, waits: Sequence[Waiting]) -> Waiting | None:
    """Return the model against which a load may save time: one that was loaded before the run, else the reference."""
    reference = run.header.plan.get("reference") if run.header else None
    by_key = {waiting.model_key: waiting for waiting in waits}
    return next((waiting for waiting in waits if waiting.is_resident), by_key.get(str(reference)))


def _waiting(run: RunFile, key: str, load: tuple[float, int, LoadKind] | None) -> Waiting:
    cells = [cell for cell in run.cells.values() if cell.key.model_key == key]
    alone, short = (
        _wait(
            measure.value
            for measure in run.measures
            if (measure.model_key, measure.name) == (key, name) and is_plain(measure)
        )
        for name in ("ttft_s", "e2e_s")
    )
    answer = _wait(chain.from_iterable(cell.e2e_s for cell in cells))
    # The few tokens of a short answer may well come at once, after a long prompt.
    long = blocks = 0
    for sample in chain.from_iterable(cells):
        if (sample.output_tokens or 0) >= _LONG_TOKENS:
            long += 1
            blocks += is_one_block(ttft_s=sample.ttft_s, e2e_s=sample.e2e_s, output_tokens=sample.output_tokens)
    uses = [use for use in run.uses if use.model_key == key]
    return Waiting(
        model_key=key,
        first_word=alone or _wait(chain.from_iterable(cell.ttft_s for cell in cells)),
        is_first_word_alone=alone is not None,
        is_first_word_blurred=alone is not None and is_blurred(run, key, "ttft_s"),
        is_one_block=2 * blocks > long,
        answer=answer or short,
        is_answer_to_task=answer is not None,
        load=None if load is None else Wait(seconds=load[0], n=load[1]),
        load_kind=None if load is None else load[2],
        is_resident=bool(uses) and all(use.load_mode == "preloaded" for use in uses),
    )


def _wait(times: Iterable[float | None]) -> Wait | None:
    known = array("d", filter(is_time, times))
    return Wait(seconds=median(known), n=len(known)) if known else None
