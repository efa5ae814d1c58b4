"""Multiturn: facts stated in early turns, changed in later ones, and asked for at the end of the conversation.

Easy: one or two facts, then other talk. Medium: a correction, or a branch that starts before it. Hard: facts
about three people, corrected, exchanged and added to; branches from the middle.
"""

from .task import TASK

__all__ = ["TASK"]
