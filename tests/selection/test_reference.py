"""Which model the others are compared with."""

import pytest

from harness.domain.model import Model, ModelKey, Quantization
from harness.errors import SettingsError
from harness.selection.reference import choose_reference, reference_order


def model(key: str, params: str | None = None, size: int = 1_000_000_000, bits: float = 4.0) -> Model:
    quantization = Quantization(name="Q4", bits_per_weight=bits)
    return Model(key=ModelKey(key), type="llm", params_string=params, size_bytes=size, quantization=quantization)


def test_it_is_the_model_with_most_parameters_in_total() -> None:
    models = [model("a", "4B"), model("b", "26B-A4B"), model("c", "12B", size=20_000_000_000)]
    assert choose_reference(models, None)[0].key == "b"


def test_of_equally_many_parameters_it_is_the_largest_file_then_the_key() -> None:
    assert choose_reference([model("q4", "1B", 4), model("q8", "1B", 8), model("q5", "1B", 5)], None)[0].key == "q8"
    assert choose_reference([model("b", "1B"), model("a", "1B")], None)[0].key == "b"


def test_what_the_listing_does_not_tell_is_guessed_from_the_file() -> None:
    assert choose_reference([model("known", "1B"), model("unknown", None, 8_000_000_000)], None)[0].key == "unknown"


def test_a_primary_is_found_in_any_case_and_must_be_selected() -> None:
    models = [model("acme/Small", "4B"), model("acme/big", "26B")]
    chosen, why = choose_reference(models, "ACME/small")
    assert (chosen.key, why) == ("acme/Small", "named as primary")
    assert [model.key for model in reference_order(models, "ACME/small")] == ["acme/Small", "acme/big"]
    with pytest.raises(SettingsError, match="is not selected") as caught:
        choose_reference(models, "acme/bgi")
    assert "acme/big" in caught.value.hint
