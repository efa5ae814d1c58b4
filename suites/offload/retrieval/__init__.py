"""Retrieval, for embedding models: which of twenty texts answers a question.

Easy: opening hours of five places in four towns, named or only meant. Medium: notices on twenty subjects, in one of
three languages. Hard: notices in another language than the question; nineteen texts with one changed fact.
"""

from .task import TASK

__all__ = ["TASK"]
