"""Judge an exercise of a lesson: `check("09.2", enough)`.

What is right stands in a small file for each lesson beside this one. Look there last.
"""

from helpers.exercises.judging import check

__all__ = ["check"]
