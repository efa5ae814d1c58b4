"""Brainstorm: a list of ideas that keeps to the rules. Whether an idea is good is not judged.

Easy: two to four ideas, each with the subject's word. Medium: also words that must not be used. Hard: more ideas,
each of exactly so many words, and more words that must not be used, which the subject invites.
"""

from .task import TASK

__all__ = ["TASK"]
