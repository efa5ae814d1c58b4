"""Vision, for models that see: colours, shapes, places, counts, words, a table and bars in drawn images.

Easy: one shape, a few alike, a number. Medium: among others, a word, the highest bar. Hard: by colour and shape, a cell
of a table, the height of a bar, the second of three lines.
"""

from .task import TASK

__all__ = ["TASK"]
