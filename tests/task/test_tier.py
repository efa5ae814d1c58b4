from collections import Counter

import pytest

from harness.errors import TaskError
from harness.task.dice import Dice
from harness.task.tier import Draft, Tiers


def a(dice: Dice, _turn: int) -> Draft:
    return Draft(prompt=f"a {dice.whole(0, 30)}", target=1)


def b(dice: Dice, turn: int) -> Draft:
    return Draft(
        prompt=f"b {dice.whole(0, 999)} {turn}",
        target=2,
        stratum="pair",
        cluster=f"c{turn % 2}",
        system_prompt="Be short.",
    )


def c(_dice: Dice, turn: int) -> Draft:
    return Draft(prompt=f"c {turn}", target=turn)


TIERS = Tiers(name="letters", easy=[a, b], medium=[b], hard=[c])


def test_tiers_take_turns_and_so_do_templates() -> None:
    made = TIERS(0, 12)
    assert [sample.tier for sample in made] == [1, 2, 3] * 4
    assert [sample.prompt[0] for sample in made if sample.tier == 1] == ["a", "b", "a", "b"]
    assert [sample.item_id for sample in made[:2]] == ["letters-0-0000", "letters-0-0001"]


def test_a_stratum_is_the_template_unless_the_draft_names_one_and_clusters_come_from_drafts_only() -> None:
    assert Counter(sample.stratum for sample in TIERS(0, 12)) == {"a": 2, "pair": 6, "c": 4}
    assert {sample.cluster_id for sample in TIERS(0, 12) if sample.stratum != "pair"} == {""}
    assert {sample.cluster_id for sample in TIERS(0, 12) if sample.stratum == "pair"} == {"c0", "c1"}
    assert TIERS(0, 2)[1].system_prompt == "Be short."


def test_turns_count_up_from_a_start_that_the_seed_chooses() -> None:
    turns = [sample.target for sample in TIERS(0, 12) if sample.tier == 3]
    assert turns == list(range(turns[0], turns[0] + 4))
    assert len({TIERS(seed, 3)[2].target for seed in range(9)}) > 1


def test_prompts_are_distinct_though_the_dice_repeat() -> None:
    assert len({sample.prompt for sample in TIERS(0, 120)}) == 120


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    assert TIERS(5, 60)[:20] == TIERS(5, 20)


def test_a_template_that_has_no_more_prompts_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(TaskError, match="a made no new prompt") as caught:
        TIERS(0, 300)
    assert "more names" in (caught.value.hint or "")
