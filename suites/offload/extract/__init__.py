"""Extract: e-mails, invoices, logs, tables and contracts to JSON of a given shape.

Easy: two fields, to be copied from the text. Medium: nested objects and lists, a distractor of the same
kind, a field that the text does not give (null). Hard: dates to ISO form, amounts to numbers, corrections, sums,
lists that must be filtered.
"""

from .task import TASK

__all__ = ["TASK"]
