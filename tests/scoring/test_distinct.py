import pytest

from harness.scoring.distinct import Ideas, listed_ideas

IDEAS = ["Plant herbs on the balcony", "Paint the kitchen wall", "Write a letter to a friend"]


@pytest.mark.parametrize(
    "answer",
    [
        "\n".join(f"- {idea}" for idea in IDEAS),
        "Here are three:\n\n" + "\n".join(f"{n}. **{one}**" for n, one in enumerate(IDEAS, 1)) + "\n\nEnjoy!",
        "\n".join(IDEAS),
        '["Plant herbs on the balcony", "Paint the kitchen wall", "Write a letter to a friend"]',
    ],
)
def test_ideas_are_read_from_any_list(answer: str) -> None:
    assert listed_ideas(answer) == IDEAS
    assert Ideas()(answer, {"count": 3}).passed


@pytest.mark.parametrize(
    ("ideas", "value"),
    [
        ([IDEAS[0]] * 3, 1 / 3),
        ([*IDEAS[:2], "paint the kitchen walls!"], 2 / 3),
        ([*IDEAS[:2], "The kitchen wall: paint"], 2 / 3),
        (IDEAS[:2], 2 / 3),
        ([*IDEAS, "Sleep long"], 3 / 4),
    ],
)
def test_repeated_missing_and_superfluous_ideas_cost(ideas: list[str], value: float) -> None:
    assert Ideas()("\n".join(f"* {idea}" for idea in ideas), {"count": 3}).value == pytest.approx(value)


def test_each_idea_must_keep_the_rules() -> None:
    answer = "\n".join(f"* {idea}" for idea in IDEAS)
    assert Ideas()(answer, {"count": 3, "exclude": ["letter"]}).value == pytest.approx(2 / 3)
    assert Ideas()(answer, {"count": 3, "max_words": 4}).value == pytest.approx(1 / 3)
    assert Ideas()(answer, {"count": 3, "include": ["wall", "herbs"]}).value == pytest.approx(2 / 3)
