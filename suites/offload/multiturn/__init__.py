"""Multiturn: facts told in turns, changed in later ones, and asked for at the end of the conversation.

Easy: one or two facts, then other talk. Medium: a correction, or a branch that goes on from before it. Hard: facts
about three people, corrected, exchanged and added to; branches from the middle.
"""

from .task import TASK

__all__ = ["TASK"]
