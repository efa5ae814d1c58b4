"""Reason: small problems with one right number or name.

Easy: one step, one conversion, a weekday some days away, three people in order. Medium: two steps, percent,
days between dates, minutes between times, four people in order. Hard: more steps with figures that do not matter, leap
years, decimals, six people in order, one liar among four.
"""

from .task import TASK

__all__ = ["TASK"]
