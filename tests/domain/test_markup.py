import pytest

from harness.domain.markup import is_only_thoughts, without_markup
from harness.scoring.registry import make_scorer


@pytest.mark.parametrize(
    "text",
    [
        "<think>17</think>Paris",
        "<THINKING>17</THINKING>\n\nParis",
        "17?</think>Paris",
        "<think> Let me see: 17. </think> Paris",
        "Sure! <think> Is it 17? No, it is not. </think> Paris",
        "[THINK]17[/THINK]Paris",
        "\u25c1think\u25b717\u25c1/think\u25b7Paris",
        "<seed:think>17</seed:think>Paris<seed:think>",
        "<|begin_of_thought|>17<|end_of_thought|>\n<|begin_of_solution|>Paris<|end_of_solution|>",
        "<|START_THINKING|>17<|END_THINKING|><|START_RESPONSE|>Paris<|END_RESPONSE|>",
        "<|channel>thought\n17<channel|>Paris<turn|>",
        "<unused94>thought\n17<unused95>Paris",
        "<|channel|>analysis<|message|>17<|end|><|start|>assistant<|channel|>final<|message|>Paris<|return|>",
        "<|channel|>analysis<|message|>17<|end|><|start|>assistant<|channel|>final <|constrain|>json<|message|>Paris",
        "analysisWe need 17.assistantfinalParis",
        "Here is my thought process: 17.\n\nHere is my response: Paris",
        "<think>17</think><response>Paris</response>",
        "Paris\n<think>or is it 17",
        "Paris\n<think>17</think>",
        "Paris</s>",
        "<s>Paris</s>",
        "Paris<|eot_id|>",
        "Paris<|end|>",
        "Paris <|im_end|>",
        "Paris<end_of_turn>",
        "Paris<\uff5cend\u2581of\u2581sentence\uff5c>",
        "<|im_start|>assistant\nParis<|im_end|>",
        "<|start_header_id|>assistant<|end_header_id|>\n\nParis<|eot_id|>",
        "<start_of_turn>model\nParis<end_of_turn>",
        "Paris<|im_end|>\n<|im_start|>user\nAnd of Spain?<|im_end|>\n<|im_start|>assistant\nMadrid",
        "Paris [INST] And of Spain? [/INST] Madrid",
        "<|begin_of_box|>Paris<|end_of_box|>",
    ],
)
def test_thoughts_and_marks_of_every_family_are_removed(text: str) -> None:
    assert without_markup(text) == "Paris"


@pytest.mark.parametrize(
    "text",
    [
        "The text lacks `</think>`.",
        "The text lacks </think>.",
        "Models wrap their thoughts in <think> and </think> tags.",
        'A turn ends with "<|im_end|>" there.',
        "The token <|im_end|> ends a turn.",
        "It was <s>5</s> 6 euros.",
        "A title in double angle brackets: <<THINKING>>",
        "A list [1] of <b>tags</b> and assistantfinal.",
    ],
)
def test_a_mentioned_tag_is_text(text: str) -> None:
    assert without_markup(text) == text


@pytest.mark.parametrize(
    ("text", "is_only"),
    [
        ("<think>17", True),
        ("<think>17</think>\n", True),
        ("<|channel|>analysis<|message|>17", True),
        ("17</think>", True),
        ("<think>17</think>Paris", False),
        ("Paris", False),
        ("", False),
        (" \n", False),
        ("The text lacks `</think>`.", False),
    ],
)
def test_thoughts_without_an_answer_are_told_from_an_empty_answer(text: str, is_only: bool) -> None:  # noqa: FBT001
    assert is_only_thoughts(text) is is_only


@pytest.mark.parametrize(("name", "target"), [("exact", "Paris"), ("normalised", "paris"), ("token_f1", "Paris")])
def test_every_scorer_judges_the_text_without_markup(name: str, target: str) -> None:
    answer = "<|channel|>analysis<|message|>Rome?<|end|><|start|>assistant<|channel|>final<|message|>Paris<|return|>"
    assert make_scorer(name)(answer, target).passed
