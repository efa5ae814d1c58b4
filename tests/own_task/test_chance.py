from pathlib import Path

import pytest

from .written import load

TOML = "data = 'rows.csv'\nprompt = '{{q}}'\nscorer = '{scorer}'\ntarget = 'a'\n"


@pytest.mark.parametrize(
    ("scorer", "answers", "answer", "chance"),
    [
        ("choice", ["x", "x", "x", "y"], "x", 0.75),
        ("exact", ["x", "y", "y", "z"], "y", 0.5),
        ("number", ["1", "2", "2", "2.0"], "2", 0.75),
        ("token_f1", ["red fox", "red cat", "red dog"], "red cat", 2 / 3),
    ],
)
def test_the_best_constant_answer_is_found(
    tmp_path: Path, scorer: str, answers: list[str], answer: str, chance: float
) -> None:
    rows = "q,a\n" + "".join(f"question {number},{right}\n" for number, right in enumerate(answers))
    own = load(tmp_path, TOML.format(scorer=scorer), rows=rows)
    assert own.constant.score == pytest.approx(chance)
    if scorer != "token_f1":
        assert own.constant.answer == answer


def test_without_targets_ok_is_the_answer_that_ignores_the_row(tmp_path: Path) -> None:
    toml = "data = 'rows.csv'\nprompt = '{q}'\nscorer = 'constraints_all'\n"
    own = load(tmp_path, toml + "target = { constraints = [{ kind = 'words', max = 5 }] }\n", rows="q,a\n1,2\n")
    assert own.constant == ("OK.", 1.0)
