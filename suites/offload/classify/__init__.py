"""Classify: one label out of a closed set.

Easy: clear sentiment of a short review, two labels. Medium: routing of a support ticket, four labels. Hard: intent of a
message with near-miss labels, negation or sarcasm, and `other` for what none of them fits.
"""

from .task import TASK

__all__ = ["TASK"]
