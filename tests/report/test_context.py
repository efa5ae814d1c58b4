import pytest

from harness.report.context import context_note


@pytest.mark.parametrize(
    ("requested", "effective", "is_owned", "note"),
    [
        (4096, 2048, True, "k was loaded with a context of 2048 tokens, fewer than the 4096 requested"),
        (4096, 8192, True, "k was loaded with a context of 8192 tokens, more than the 4096 requested"),
        (4096, 2048, False, "k was loaded with a context of 2048 tokens, fewer than the 4096 requested"),
        (4096, 8192, False, None),
        (4096, 4096, True, None),
        (None, 4096, True, None),
        (4096, None, True, None),
    ],
)
def test_another_context_than_requested_is_noted(
    requested: int | None, effective: int | None, note: str | None, *, is_owned: bool
) -> None:
    assert context_note("k", requested=requested, effective=effective, is_owned=is_owned) == note
