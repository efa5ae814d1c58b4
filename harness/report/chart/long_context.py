"""What a model finds in a long text, by the length of the text and by how deep in it the fact stands."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DepthCell:
    """One model on the samples of one length and depth.

    Attributes:
        model: its key.
        tokens: length of the prompt.
        depth: where the fact stands, from 0 (its beginning) to 1 (its end).
        score: the mean; None: all of its answers are unscored.
        n: how many samples.
    """

    model: str
    tokens: int
    depth: float
    score: float | None
    n: int
