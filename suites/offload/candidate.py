"""Items for embedding models: a text, and others that are compared with it."""

from collections.abc import Sequence

from harness import Draft


def compared(kind: str, text: str, others: Sequence[str], *, target: object, stratum: str = "") -> Draft:
    """Return an item whose prompt shows a person what is compared, with the places that the target names."""
    listed = "\n".join(f"{place}. {other}" for place, other in enumerate(others))
    return Draft(prompt=f"{kind}: {text}\n\n{listed}", target=target, stratum=stratum, texts=(text, *others))


def answer(values: Sequence[float]) -> str:
    """Return the answer that a run makes of these similarities."""
    return '{"similarities": [' + ", ".join(map(str, values)) + "]}"
