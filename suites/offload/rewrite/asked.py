"""How every rewrite item is asked."""

from typing import Any

from harness import Draft

SYSTEM = "You rewrite texts. Answer with the new text and nothing else."


def asked(text: str, change: str, reference: str, constraints: list[dict[str, Any]]) -> Draft:
    """Return the draft; the reference and the text itself stay in the target for the tests."""
    return Draft(
        prompt=f"Text: {text}\n\nRewrite this text. {change} "
        "Keep the other names, figures and placeholders as they are. Answer with the new text only.",
        system_prompt=SYSTEM,
        target={"constraints": constraints, "reference": reference, "text": text},
    )


def length(text: str, slack: int) -> dict[str, Any]:
    """Return the constraint that an answer is about as long as a text: `slack` words more or fewer."""
    count = len(text.split())
    return {"kind": "words", "min": count - slack, "max": count + slack}
