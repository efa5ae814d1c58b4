"""What the table of answers says of one model for everything."""

from collections.abc import Mapping

from harness.domain.candidate import Candidate
from harness.report.answer import TaskAnswer, answer_row, headline, legend_of, one_for_all
from harness.report.yardstick import Primary
from harness.verdict.board import Standing
from harness.verdict.choose import AnswerKind, Recommendation
from harness.verdict.contender import DEFAULT_RULE, Contender

Times = Mapping[str, float | None]


def answer(task: str, times: Times, *, sizes: Mapping[str, int | None]) -> TaskAnswer:
    standings = tuple(
        Standing(
            candidate=Contender(key=key, scores={"i": 1.0}, p50_s=time_s, size_bytes=sizes[key]),
            suffices=1.0,
        )
        for key, time_s in times.items()
    )
    choice = Recommendation(answer=AnswerKind.MODEL, key=standings[0].candidate.key, yardstick=0.8, standings=standings)
    return TaskAnswer(task=task, choice=choice)


def said(*tasks: Times, sizes: Mapping[str, int | None]) -> str:
    answers = [answer(f"task {number}", times, sizes=sizes) for number, times in enumerate(tasks)]
    return one_for_all(answers, DEFAULT_RULE, name=str)


def test_the_largest_is_compared_on_the_tasks_that_both_were_timed_on() -> None:
    """It was asked one of three tasks, and is no third as quick for that."""
    tasks: tuple[Times, ...] = ({"small": 1.0}, {"small": 1.0}, {"small": 1.0, "large": 3.0})
    text = said(*tasks, sizes={"small": 1, "large": 2})
    assert text == "One model for all: small suffices for 3 of 3. Always large: 3.0 x the time."


def test_a_model_that_was_not_timed_is_not_taken_for_the_quickest() -> None:
    tasks: tuple[Times, ...] = ({"a": 1.0, "b": None},) * 2
    assert said(*tasks, sizes={"a": 1, "b": 2}) == "One model for all: a suffices for 2 of 2."


def test_where_no_size_is_known_none_is_the_largest() -> None:
    tasks: tuple[Times, ...] = ({"a": 1.0, "b": 2.0},) * 2
    assert said(*tasks, sizes={"a": None, "b": None}) == "One model for all: a suffices for 2 of 2."


def test_a_reasoning_level_is_not_the_larger_model_of_another_level() -> None:
    high, off = Candidate("m", "high"), Candidate("m", "off")
    times: Times = {high: 1.0, off: 2.0}
    assert said(times, times, sizes={high: 2, off: 2}) == "One model for all: m@high suffices for 2 of 2."


def test_tasks_that_no_model_shares_have_a_sentence_each() -> None:
    """No model answers chats and embeds texts, so none is the one for all of them."""
    chat: Times = {"small": 1.0, "large": 3.0}
    embeds: Times = {"e": 1.0, "f": 2.0}
    text = said(chat, embeds, chat, embeds, {"sees": 1.0}, sizes={"small": 1, "large": 2, "e": 1, "f": 1, "sees": 1})
    assert text == (
        "One model for task 0 and task 2: small suffices for 2 of 2. Always large: 3.0 x the time. "
        "One model for task 1 and task 3: e suffices for 2 of 2. Always f: 2.0 x the time."
    )


def kept(primary: Primary) -> TaskAnswer:
    standing = Standing(candidate=Contender(key="small", scores={"i": 0.0}), suffices=0.0)
    choice = Recommendation(answer=AnswerKind.PRIMARY, key="small", yardstick=0.8, standings=(standing,))
    return TaskAnswer(task="sort", choice=choice, primary=primary)


def test_who_the_primary_is_and_by_which_rule_it_is_kept_stand_in_words() -> None:
    answers = Contender(key="big", scores={"i": 0.9})
    unnamed, named, silent = kept(Primary()), kept(Primary(name="big", answers=answers)), kept(Primary(name="big"))
    assert answer_row(unnamed, str)[1] == answer_row(named, str)[1] == "your primary"
    assert answer_row(silent, str)[1] == "none suffices"
    assert headline(unnamed, DEFAULT_RULE).startswith(
        "keep your primary, as none of these suffices; the best is small. A model suffices from a score of 0.80 (the "
        "floor);"
    )
    assert headline(named, DEFAULT_RULE).startswith(
        "keep your primary, big; the best of the others is small. A model suffices from a score of 0.80 (0.90 of big "
        "less 0.10);"
    )
    assert legend_of([unnamed], DEFAULT_RULE).endswith(" your primary: kept, as none suffices.")
    assert "your primary: big, as no other model reaches its score less 0.10." in legend_of([named], DEFAULT_RULE)


def test_a_name_with_a_level_says_how_to_ask() -> None:
    standing = Standing(candidate=Contender(key=Candidate("small", "low"), scores={"i": 1.0}), suffices=1.0)
    choice = Recommendation(answer=AnswerKind.MODEL, key=standing.candidate.key, yardstick=0.8, standings=(standing,))
    told = legend_of([TaskAnswer(task="sort", choice=choice)], DEFAULT_RULE)
    assert told.endswith(" @low: the model, asked with the reasoning level low.")
