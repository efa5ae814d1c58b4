"""Extract: short business texts to one flat JSON object.

Easy: two fields that stand in the text as they are wanted. Medium: a distractor of the same kind, or a field that the
text does not give (null). Hard: dates to ISO form, amounts to numbers, corrections, sums, a time that was moved.
"""

from .task import TASK

__all__ = ["TASK"]
