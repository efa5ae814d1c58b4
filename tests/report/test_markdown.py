"""Foreign text in Markdown: shown as it is, and inert on GitHub."""

import pytest

from harness.report.markdown import code, cut, escaped, markdown_table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, 0.5", "plain text, 0.5"),
        ("acme/small-4b: 0.90 [0.80, 0.95], max_tokens", "acme/small-4b: 0.90 [0.80, 0.95], max_tokens"),
        ("see [this](README.md)", r"see \[this\]\(README.md\)"),
        ("[x]: README.md", r"\[x\]\: README.md"),
        ("an _emphasis_", r"an \_emphasis\_"),
        ("-", "-"),
        ("- item", r"\- item"),
        ("GH-12", r"GH\-12"),
        (":smile:", r"\:smile\:"),
        ("<script>alert(1)</script>", r"&lt;script&gt;alert\(1\)&lt;/script&gt;"),
        ("a|b", r"a\|b"),
        ("![x](http://h/x.png)", r"\!\[x\]\(http\://h/x.png\)"),
        ("www.example.org @everyone", "www&#46;example.org @&#8203;everyone"),
        ("&lt; `code` **bold** _it_ ~~s~~ $x$", r"&amp;lt; \`code\` \*\*bold\*\* \_it\_ \~\~s\~\~ \$x\$"),
        ("two\nlines\r\n# head", r"two lines \# head"),
        ("\x1b[2J\u202e", r"\\x1b\[2J\\u202e"),
        ("::error::boom", r"\: \:error\:\:boom"),
    ],
)
def test_text_is_shown_and_does_nothing(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_text_is_cut_before_it_is_escaped() -> None:
    assert escaped("*" * 50, limit=10) == r"\*" * 9 + "…"


def test_code_cannot_be_left_by_backticks_in_it() -> None:
    assert code("plain") == "`plain`"
    assert code("a ``b`` `c`") == "``` a ``b`` `c` ```"


def test_a_table_has_its_rule_by_alignment() -> None:
    assert markdown_table(("a", "n"), [("x", "1")], align=("left", "right")) == "| a | n |\n| --- | ---: |\n| x | 1 |"


def test_long_markdown_is_cut_at_a_line_within_so_many_bytes_and_says_so() -> None:
    text = "\n".join(f"zeile {number} ä" for number in range(1000))
    shown = cut(text, 500, note="The rest was cut.")
    assert len(shown.encode()) <= 500
    assert shown.endswith("ä\n\nThe rest was cut.\n")
    assert cut(text, 1_000_000, note="no") == text
    assert len(cut("x" * 100, 10, note="cut").encode()) <= 10
