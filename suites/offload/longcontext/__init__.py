"""Longcontext: facts to be found in a text that fills a part of the context.

Easy: a quarter of what one request may take. Medium: a half, with facts of the same kind about others. Hard: three
quarters, with more of them. Asked for is one fact, three facts about one place, or a fact that is not there.
"""

from .task import TASK

__all__ = ["TASK"]
