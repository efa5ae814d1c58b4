import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.redaction import Redaction
from harness.errors import InvalidRequest

TOKEN = "sk-canary-0123456789"


@pytest.mark.parametrize(
    "text",
    [
        f"before {TOKEN} after",
        f"before{TOKEN}after",
        f"{TOKEN}{TOKEN}",
        f"Malformed LM Studio API token provided: {TOKEN[:8]}... Ensure",
        f"token provided: {TOKEN[:2]}...",
        f"Bearer {TOKEN[:4]}",
        f'"{TOKEN[:-1]}"',
    ],
)
def test_neither_the_token_nor_its_beginning_is_left(text: str) -> None:
    redacted = Redaction(TOKEN).apply(text)
    assert TOKEN[:4] not in redacted
    assert "[redacted]" in redacted


@given(st.text(max_size=30), st.integers(min_value=4, max_value=len(TOKEN)), st.text(max_size=30))
def test_no_text_around_it_saves_a_fragment(before: str, length: int, after: str) -> None:
    assert TOKEN[:4] not in Redaction(TOKEN).apply(before + TOKEN[:length] + after)


def test_the_rest_of_the_text_stays() -> None:
    assert Redaction(TOKEN).apply(f"a {TOKEN}, b") == "a [redacted], b"


@pytest.mark.parametrize("token", ["", "lmstudio"])
def test_the_public_token_is_no_secret_and_spoils_no_publishers_name(token: str) -> None:
    assert Redaction(token).apply("lmstudio-community/x is not loaded") == "lmstudio-community/x is not loaded"


def test_a_very_long_token_is_no_trouble() -> None:
    token = "abcd" * 1000
    assert Redaction(token).apply(f"x {token} y") == "x [redacted] y"


def test_an_error_that_passes_loses_it_everywhere() -> None:
    with pytest.raises(InvalidRequest) as caught, Redaction(TOKEN).of_errors():
        raise InvalidRequest(f"bad {TOKEN}", hint=f"not {TOKEN[:6]}")
    error = caught.value
    assert TOKEN[:4] not in f"{error} {error!r} {error.message} {error.hint} {error.args}"


def test_its_own_repr_holds_no_token() -> None:
    assert TOKEN[:4] not in repr(Redaction(TOKEN))
