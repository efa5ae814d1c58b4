import tracemalloc

from harness.domain.sample import content_hash
from harness.run.seen_prompt import SeenPrompts

COUNT = 5000


def test_it_has_what_was_added_and_nothing_else() -> None:
    seen, hashes = SeenPrompts(), [content_hash(number) for number in range(COUNT)]
    odd = ["", "0" * 16, "f" * 16, "-" + "f" * 15, "x" * 16, "f" * 15, "f" * 17, "\ud800", "ü"]
    assert not any(prompt in seen for prompt in hashes + odd)
    for prompt in hashes + odd + hashes:
        seen.add(prompt)
    assert all(prompt in seen for prompt in hashes + odd)
    assert len(seen) == COUNT + len(odd)
    assert not any(content_hash(-1 - number) in seen for number in range(COUNT))


def test_it_finds_a_place_where_all_begin_alike() -> None:
    seen, alike = SeenPrompts(), [f"{number:08x}00000000" for number in range(1, 200)]
    for prompt in alike:
        seen.add(prompt)
    assert all(prompt in seen for prompt in alike)
    assert len(seen) == len(alike)
    assert f"{200:08x}00000000" not in seen


def test_it_takes_few_bytes_a_prompt() -> None:
    seen = SeenPrompts()
    tracemalloc.start()
    try:
        for number in range(COUNT):
            seen.add(content_hash(number))
        kept_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert kept_bytes / COUNT < 30
