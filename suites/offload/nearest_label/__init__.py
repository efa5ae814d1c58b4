"""Nearest label, for embedding models: the texts of classify, compared with a description of each label.

Easy: sentiment, spam, and one of six topics. Medium: one of six desks, one of eight languages. Hard: one of nineteen
intents; a tone behind irony.
"""

from .task import TASK

__all__ = ["TASK"]
