"""Rewrite: a short text with something changed and everything else kept; an item counts only if all of that holds.

Easy: one word, a placeholder, capitals, a greeting. Medium: tense, person, a list, forbidden words, tone, form of a
date. Hard: several of these at once, with limits of length.
"""

from .task import TASK

__all__ = ["TASK"]
