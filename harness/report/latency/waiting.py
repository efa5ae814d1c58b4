"""The three things that a person waits for, a line for each model, and when a load pays."""

from collections.abc import Iterator, Sequence

from harness.domain.candidate import key_of
from harness.report.figure import seconds
from harness.report.layout import fits, fitted, paragraph, table
from harness.report.speed import MARKS, NOISY
from harness.report.text import one_line
from harness.store.run_file import RunFile
from harness.verdict.contender import Contender
from harness.verdict.load import MEANING, LoadKind, answers_until_small
from harness.verdict.waiting import Wait, Waiting, resident_of, waitings

HEADERS = ("model", "first word", "whole answer", "load", "load pays from")
ALIGN = ("left", "right", "right", "right", "right")
_LONGEST_KEY, _SHORTEST_KEY = 40, 12
_MOST_NAMED = 3
_ONE_BLOCK = "with the last"
_FIRST_WORDS = {True: "one request at a time", False: "while the tasks were answered"}
_ANSWERS = {True: "to the tasks, asked as many at a time as the run does", False: "to short requests, one at a time"}


def render_waits(run: RunFile, *, width: int | None) -> str:
    """Return a table of the waits of a run's models, and what its columns mean; "" where nothing was timed."""
    waits = waitings(run)
    if not waits:
        return ""
    lines = [_table(waits, width), paragraph(_legend(waits), width)]
    lines += [paragraph(line, width) for line in _against_resident(run, waits)]
    return "\n".join([lines[0], "", *lines[1:]])


def sentence_of(candidate: Contender) -> str:
    """Return the three waits for a model on one task as a sentence; "" where no answer was timed."""
    basis = candidate.basis
    if candidate.p50_s is None:
        return ""
    parts = []
    if candidate.ttft_s is not None:
        how = _FIRST_WORDS[basis.is_alone]
        parts.append(f"the first word after {seconds(candidate.ttft_s)} (n = {basis.first_words}, {how})")
    parts.append(f"a whole answer after {seconds(candidate.p50_s)} (n = {basis.answers})")
    if candidate.load_s is not None and basis.load_kind is not None:
        load = f"a load in {seconds(candidate.load_s)} (n = {basis.loads}, {MEANING[basis.load_kind]})"
        count = answers_until_small(candidate.load_s, candidate.p50_s)
        parts.append(f"{load}, which pays from answer {count:,} on" if count else load)
    return f"{_name(candidate.key, _LONGEST_KEY)}, in medians: {'; '.join(parts)}."


def _table(waits: Sequence[Waiting], width: int | None) -> str:
    """Return the table with keys as long as fit; cards where none do."""
    for longest in range(_LONGEST_KEY, _SHORTEST_KEY - 1, -1):
        names = [_name(waiting.model_key, longest) for waiting in waits]
        if len(set(names)) < len(names):
            continue
        rows = [(name, *_row(waiting)) for name, waiting in zip(names, waits, strict=True)]
        text = table(rows, headers=HEADERS, align=ALIGN)
        if fits(text, width):
            return text
    whole = [(waiting.model_key, *_row(waiting)) for waiting in waits]
    return fitted(whole, headers=HEADERS, align=ALIGN, width=width)


def _row(waiting: Waiting) -> tuple[str, ...]:
    load = "is loaded" if waiting.load is None and waiting.is_resident else _wait(waiting.load)
    first_word = _wait(waiting.first_word) + NOISY * waiting.is_first_word_blurred
    first_word = _ONE_BLOCK if waiting.is_one_block else first_word
    return first_word, _wait(waiting.answer), load, _pays_from(waiting)


def _pays_from(waiting: Waiting) -> str:
    """Return from which answer after a load on that load is small beside the answers: "answer 12"; "-": not known."""
    count = waiting.small_from
    return "-" if count is None else f"answer {count:,}"


def _wait(wait: Wait | None) -> str:
    if wait is None:
        return "-"
    return f"{seconds(wait.seconds)} ({wait.n:,})"


def _name(key: str, longest: int) -> str:
    """Return a key without its publisher, cut in the middle where it is longer."""
    name = one_line(key, limit=300)
    if len(name) > longest:
        name = name.rpartition("/")[2]
    head = 2 * longest // 3  # Sizes tend to stand in the first half of a key.
    return name if len(name) <= longest else f"{name[: head - 1]}…{name[len(name) - longest + head :]}"


def _legend(waits: Sequence[Waiting]) -> str:
    """Return what the columns mean, and what they rest on."""
    alone = {_FIRST_WORDS[waiting.is_first_word_alone] for waiting in waits if waiting.first_word}
    answers = {_ANSWERS[waiting.is_answer_to_task] for waiting in waits if waiting.answer}
    kinds = [kind for kind in LoadKind if any(waiting.load_kind is kind for waiting in waits)]
    parts = ["Medians; in brackets: of how many."]
    parts += [f"first word: {', or '.join(sorted(alone))}."] if alone else []
    parts += [f"whole answer: {', or '.join(sorted(answers))}."] if answers else []
    if kinds:
        parts.append(f"load, {'; or '.join(MEANING[kind] for kind in kinds)}.")
        parts.append("load pays from: from this answer on, the load is at most 10 % of the time.")
    if any(waiting.is_first_word_blurred and not waiting.is_one_block for waiting in waits):
        parts.append(f"{NOISY} : {MARKS[NOISY]}.")
    return " ".join(parts)


def _against_resident(run: RunFile, waits: Sequence[Waiting]) -> Iterator[str]:
    """Yield which models save time although another one is loaded already."""
    resident = resident_of(run, waits)
    if resident is None:
        return
    tasks: dict[str, set[str]] = {waiting.model_key: set() for waiting in waits}
    for cell in run.cells:
        tasks.setdefault(cell.model_key, set()).add(cell.task)
    does = tasks[resident.model_key]
    found = [
        (waiting, count)
        for waiting in waits
        if key_of(waiting.model_key) != key_of(resident.model_key)
        # An embedding model saves no time where a chat model is needed.
        and (not does or not does.isdisjoint(tasks[waiting.model_key]))
        and (count := waiting.quicker_from(resident)) is not None
    ]
    if not found:
        return
    named = [
        f"{_name(waiting.model_key, _LONGEST_KEY)} from answer {count:,}" for waiting, count in found[:_MOST_NAMED]
    ]
    more = f" (and {len(found) - _MOST_NAMED} more)" if len(found) > _MOST_NAMED else ""
    yield (
        f"Where {_name(resident.model_key, _LONGEST_KEY)} is loaded already, loading another one saves time: "
        f"{', '.join(named)} on{more}."
    )
