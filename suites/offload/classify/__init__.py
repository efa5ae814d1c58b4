"""Classify: labels from a closed set.

Easy: sentiment, spam, and a language out of four. Medium: routing of a ticket to one of six desks; a language out of
eight, or `other`. Hard: an intent out of twenty, near misses and `other` among them; a tone behind irony; all of the
topics of a message.
"""

from .task import TASK

__all__ = ["TASK"]
