from harness.domain.candidate import Candidate, by_effort, candidates_in, models_in


def test_the_levels_of_a_model_are_not_counted_as_models() -> None:
    off, low = (Candidate("acme/thinks", level) for level in ("off", "low"))
    assert models_in(["acme/tiny", "acme/small"]) == "2 models"
    assert models_in([off]) == "1 model, 1 candidate with its reasoning level"
    assert models_in(["acme/tiny", off, low]) == "2 models, 3 candidates with their reasoning levels"


def test_what_may_be_named_is_counted_one_by_one() -> None:
    assert candidates_in(["a", "b"]) == "2 models"
    assert candidates_in([Candidate("a", "off"), Candidate("a", "low")]) == "2 candidates"


def test_levels_stand_by_their_effort_beside_each_other() -> None:
    levels = [Candidate("b", level) for level in ("high", "low", "medium", "off")]
    assert sorted([*levels, "c", "a"], key=by_effort) == ["a", "b@off", "b@low", "b@medium", "b@high", "c"]
