"""Summarise: a document built from facts, in a given number of words.

Easy: three facts in one sentence among others. Medium: five facts in four sentences. Hard: figures that the document
corrects later and that the summary must not have; minutes in German.
"""

from .task import TASK

__all__ = ["TASK"]
