"""The text of an answer, with what is known of it."""

from typing import Self

from harness.domain.generation import Generation
from harness.domain.markup import without_markup


class AnswerText(str):
    """What `lms_ask` returns: the model's answer, without thoughts, template marks and white space around it.

    It is a `str`. What is made of it, such as by `strip` or `lower`, is a plain one.

    Attributes:
        generation: the whole answer: text as it came, reasoning, tokens, times.
        item_id: of its sample in the run file.
    """

    __slots__ = ("generation", "item_id")
    generation: Generation
    item_id: str

    def __new__(cls, generation: Generation, *, item_id: str) -> Self:
        """Return the text of a generation."""
        text = super().__new__(cls, without_markup(generation.text))
        text.generation, text.item_id = generation, item_id
        return text

    @property
    def seconds(self) -> float:
        """The time from the request to the last token."""
        return self.generation.times.e2e_s
