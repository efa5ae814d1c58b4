"""Similarity, for embedding models: other wordings of a statement are nearer to it than what says something else.

Easy: against texts about other things. Medium: these have the same name, town, day and figure. Hard: the same wordings
with one changed fact. In three languages.
"""

from .task import TASK

__all__ = ["TASK"]
