"""Labels do not cover each other, and names stay different when they are cut."""

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.report.chart.label import Box, Wish, names, placed, spread, text_width, wrapped

SHEET = Box(0, 0, 340, 280)


@given(st.lists(st.tuples(st.floats(0, 340), st.floats(0, 280), st.floats(20, 150)), max_size=20))
def test_no_label_covers_another_one_or_a_point_or_leaves_the_sheet(points: list[tuple[float, float, float]]) -> None:
    dots = [Box(x - 5, y - 5, x + 5, y + 5) for x, y, _ in points]
    wishes = [Wish(x=x, y=y, width=width, height=15) for x, y, width in points]
    places = [place for place in placed(wishes, taken=dots, avoided=[], within=SHEET) if place is not None]
    assert all(place.is_within(SHEET) for place in places)
    assert not any(one.overlaps(other) for one, other in combinations(places, 2))
    assert not any(place.overlaps(dot) for place in places for dot in dots)


def test_twelve_models_all_find_a_place_on_a_narrow_sheet() -> None:
    wishes = [Wish(x=40 + 23 * number, y=200 - 14 * number, width=110, height=15) for number in range(12)]
    dots = [Box(wish.x - 6, wish.y - 6, wish.x + 6, wish.y + 6) for wish in wishes]
    assert all(placed(wishes, taken=dots, avoided=[], within=SHEET))


def test_names_leave_out_the_publisher_and_stay_different() -> None:
    assert names(["qwen/qwen3-4b", "google/gemma-3"], 150) == {"qwen/qwen3-4b": "qwen3-4b", "google/gemma-3": "gemma-3"}
    assert names(["a/same", "b/same"], 150) == {"a/same": "a/same", "b/same": "b/same"}
    long = names([f"a-family-of-models-with-{size}b-parameters-instruct" for size in (7, 70)], 130)
    assert len({*long.values()}) == 2
    numbered = names(["x" * 300 + end for end in "ab"] + ["x" * 30 + "y" * 500], 130)
    assert len({*numbered.values()}) == 3
    assert all(text_width(name) <= 130 for name in (*long.values(), *numbered.values()))


def test_text_is_wrapped_and_cut_to_a_width() -> None:
    assert wrapped("break-even with it: 14 requests per load", 100, most_lines=9) == [
        "break-even with",
        "it: 14 requests",
        "per load",
    ]
    for text in ("word " * 50, "w" * 500, "", "\u202e" * 90):
        lines = wrapped(text, 100, most_lines=2)
        assert 1 <= len(lines) <= 2
        assert all(text_width(line, 11.5) <= 100 for line in lines)


def test_wide_letters_take_more_room() -> None:
    assert text_width("iii") < text_width("aaa") < text_width("mmm") < text_width("漢字漢")
    assert text_width("abc") < text_width("abc", is_bold=True)


@given(st.lists(st.floats(0, 100), max_size=12))
def test_spread_coordinates_keep_their_gap_and_stay_within(wished: list[float]) -> None:
    found = spread(wished, gap=5, low=0, high=100)
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in found)
    ordered = sorted(found)
    assert all(after - before >= 5 - 1e-6 for before, after in pairwise(ordered))
