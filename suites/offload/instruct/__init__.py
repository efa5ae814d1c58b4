"""Instruct: verifiable instructions about form. Scored strictly; the loose value is in the score's details.

Easy: one instruction out of 28 kinds. Medium: two that go together. Hard: four. What the text says is not judged.
"""

from .task import TASK

__all__ = ["TASK"]
