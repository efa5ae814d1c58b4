"""Review: a short Python function with one seeded bug, or none; which line, which kind.

Easy: three to six lines and an obvious fault. Medium: a loop with a condition. Hard: ten lines and more, state that is
carried along. A quarter of the functions are right.
"""

from .task import TASK

__all__ = ["TASK"]
