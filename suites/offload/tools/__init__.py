"""Tools: which functions a request needs, and with which arguments, or that none helps.

Easy: one of up to three functions, with one argument that stands in the request. Medium: one of four, with numbers,
booleans, lists and choices, or the same function twice, or two. Hard: three of five, in the order asked for; a request
that changes or withdraws what it asked before. In each tier one sample in four needs a function that is not there.
"""

from .task import TASK

__all__ = ["TASK"]
