from harness.domain.count import counted


def test_one_thing_has_no_plural_and_a_thousand_have_a_comma() -> None:
    assert [counted(number, "model") for number in (0, 1, 2, 1200)] == [
        "0 models",
        "1 model",
        "2 models",
        "1,200 models",
    ]
    assert [counted(number, "row has", several="rows have") for number in (1, 3)] == ["1 row has", "3 rows have"]
