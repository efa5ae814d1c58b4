from typing import Any

import pytest

from harness.errors import TaskError
from harness.scoring.constraint import Constraints
from harness.scoring.constraint_kind import KINDS
from harness.scoring.counting import count_sentences
from harness.scoring.ifeval import IFEVAL_KINDS

KEPT_AND_BROKEN: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "words", "min": 2, "max": 3}, "well-known it's", "one"),
    ({"kind": "sentences", "exactly": 2}, "Dr. Ada paid 3.5 euros. Why?", "One. Two. Three."),
    ({"kind": "paragraphs", "exactly": 2}, "a\n\nb\nc", "a\nb"),
    ({"kind": "ruled_paragraphs", "exactly": 2}, "a\n***\nb", "a\n\nb"),
    ({"kind": "ruled_paragraphs", "exactly": 2}, "A. ***\n\nB.", "A. ** B."),
    ({"kind": "ruled_paragraphs", "exactly": 2}, "***a*** b\n***\nc", "***a***"),
    ({"kind": "lines", "max": 2}, "a\n\nb", "a\nb\nc"),
    ({"kind": "characters", "max": 3}, "abc", "abcd"),
    ({"kind": "bullets", "exactly": 2}, "Points:\n* a\n- b", "* a\n**b**"),
    ({"kind": "numbered", "min": 2}, "1. a\n2) b", "1. a"),
    ({"kind": "sections", "exactly": 1}, "# A\ntext", "A\ntext"),
    ({"kind": "sections", "exactly": 2}, "Section 1\na\nSection 2\nb", "Sections\n2"),
    ({"kind": "sections", "word": "Day", "min": 2}, "Day 1 a day 2", "# Day 1"),
    ({"kind": "highlights", "min": 2}, "*a b* and **c**", "*a b* and * c"),
    ({"kind": "placeholders", "min": 2}, "[name] of [town]", "[name] of []"),
    ({"kind": "capital_words", "max": 1}, "an NGO here", "NGO AND US"),
    ({"kind": "questions", "min": 1}, "why?", "why"),
    ({"kind": "exclamations", "exactly": 0}, "oh", "oh!"),
    ({"kind": "keyword", "word": "tea", "min": 2}, "Tea, teas", "tea, eat"),
    ({"kind": "keyword", "word": "tea", "exactly": 1}, "tea for the team", "tea, tea"),
    ({"kind": "keyword", "word": "I", "min": 2}, "I think I will", "I think it is"),
    ({"kind": "letter", "letter": "q", "max": 1}, "Quick", "Quick q"),
    ({"kind": "includes", "words": ["green tea", "cup"]}, "A cup of Green\ntea", "green tee in a cup"),
    ({"kind": "includes", "words": ["story"]}, "two storybooks", "two stories"),
    ({"kind": "excludes", "words": ["bad"]}, "badly", "Bad!"),
    ({"kind": "keeps", "texts": ["[Name]", "{id}"]}, "Dear [Name], {id}", "Dear [name], {id}"),
    ({"kind": "starts_with", "text": "Dear Ada"}, "**dear  Ada**, hi", "Hi, dear Ada"),
    ({"kind": "ends_with", "text": "Is that all?"}, 'So. is that all?"', "Is that all? Yes"),
    ({"kind": "repeats_prompt", "prompt": "Write a poem."}, "Write a poem.\n\nRoses", "Roses"),
    ({"kind": "paragraph_starts", "paragraph": 2, "word": "then"}, "a\n\nThen b", "then a\n\nb"),
    ({"kind": "headings", "titles": ["Pros", "Cons"]}, "## Pros\na\n**Cons:**\nb", "Pros and Cons"),
    ({"kind": "line_length", "max": 3}, "abc\nde", "abcd"),
    ({"kind": "one_of", "texts": ["My answer is yes."]}, "my answer is YES", "My answer is yes, mostly"),
    (
        {"kind": "one_of", "texts": ["My answer is yes.", "My answer is no."]},
        "Well, my answer is yes. It is so.",
        "My answer is yes. My answer is no.",
    ),
    ({"kind": "responses", "exactly": 2}, "a\n******\nb", "a\n******\na"),
    ({"kind": "responses", "exactly": 2}, "******\na\n******\nb", "a\n******\n******\nb"),
    ({"kind": "lowercase"}, "all small, 1", "All small"),
    ({"kind": "uppercase"}, "ALL BIG", "ALL bIG"),
    ({"kind": "no_comma"}, "a b", "a, b"),
    ({"kind": "no_digits"}, "one", "1"),
    ({"kind": "json_only"}, '```json\n{"a": [1]}\n```', 'Here: {"a": 1}'),
    ({"kind": "quoted"}, '"a"', '"a" b'),
    ({"kind": "numbered_in_order"}, "1. a\n2. b", "1. a\n3. b"),
    ({"kind": "title"}, "<<A day>>\ntext", "<< >>"),
    ({"kind": "postscript"}, "Text\n\nP.S. more", "Hi.\nPS5 is out"),
    ({"kind": "postscript"}, "Text. P.S. more", "Hi there.\nPsychology is fun."),
    ({"kind": "postscript"}, "PS\nmore", "Add one that begins with P.S. to it"),
    ({"kind": "postscript"}, "Text\nPS: more", "Text, ps more"),
    ({"kind": "postscript", "marker": "P.P.S"}, "Text\nP.P.S. more", "Text\nP.S. more"),
    ({"kind": "table"}, "| a | b |\n|---|:-:|\n| 1 | 2 |", "a | b\n- | -"),
    ({"kind": "code_fence"}, "```py\nx = 1\n```", "`x = 1`"),
    ({"kind": "no_first_person"}, "The US paid", "It's what I'd do"),
    ({"kind": "no_second_person"}, "Youth", "You're late"),
    ({"kind": "language", "code": "de"}, "Das ist ein kurzer Text.", "This is a short text."),
]


def test_every_kind_is_tried_below() -> None:
    assert {constraint["kind"] for constraint, _, _ in KEPT_AND_BROKEN} == set(KINDS) - set(IFEVAL_KINDS)


@pytest.mark.parametrize(("constraint", "kept", "broken"), KEPT_AND_BROKEN)
def test_a_constraint_tells_kept_from_broken_and_says_why(constraint: dict[str, Any], kept: str, broken: str) -> None:
    judge, target = Constraints(), {"constraints": [constraint]}
    assert (judge(kept, target).value, judge(kept, target).passed) == (1.0, True)
    score = judge(broken, target)
    assert (score.value, score.passed) == (0.0, False)
    assert score.reason.startswith(f"{constraint['kind']}: ")


def test_the_value_is_the_share_kept() -> None:
    target = {"constraints": [{"kind": "no_comma"}, {"kind": "lowercase"}, {"kind": "words", "max": 1}]}
    score = Constraints()("a, b", target)
    assert score.value == pytest.approx(1 / 3)
    assert not score.passed


@pytest.mark.parametrize(
    ("answer", "constraint"),
    [
        ("Sure, here it is:\nno comma", {"kind": "no_comma"}),
        ("{}\nIs it right?", {"kind": "json_only"}),
        ("Sure\nabc\nBye", {"kind": "one_of", "texts": ["abc"]}),
        ("**a**b", {"kind": "one_of", "texts": ["ab"]}),
    ],
)
def test_loose_forgives_a_first_and_a_last_line_and_asterisks(answer: str, constraint: dict[str, Any]) -> None:
    target = {"constraints": [constraint]}
    assert Constraints()(answer, target).value == 0.0
    assert Constraints()(answer, target).details["loose"] == 1.0
    assert Constraints(is_loose=True)(answer, target).passed


@pytest.mark.parametrize(
    "constraint",
    [
        {"kind": "dance"},
        {},
        "words",
        {"kind": "words"},
        {"kind": "words", "min": "2"},
        {"kind": "words", "min": -1},
        {"kind": "words", "min": 3, "max": 2},
        {"kind": "words", "exactly": 1, "min": 1},
        {"kind": "no_comma", "max": 1},
        {"kind": "includes"},
        {"kind": "includes", "words": "tea"},
        {"kind": "letter", "letter": "ab", "min": 1},
        {"kind": "keyword", "word": " ", "min": 1},
        {"kind": "paragraph_starts", "paragraph": 0, "word": "a"},
    ],
)
def test_an_unknown_kind_or_a_bad_parameter_is_the_tasks_error(constraint: Any) -> None:
    with pytest.raises(TaskError, match="constraints"):
        Constraints()("text", {"constraints": [constraint]})


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Hi", 1),
        ("Hi. Ho!", 2),
        ("Really?! Yes...", 2),
        ("e.g. this one.", 1),
        ("1. a\n2. b", 2),
        ("At 3.5.", 1),
    ],
)
def test_sentences_end_with_a_mark_or_with_their_line(text: str, count: int) -> None:
    assert count_sentences(text) == count
