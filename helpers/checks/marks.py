"""What is kept of each sound example: a mark of 8 bytes for what it asks."""

from array import array
from bisect import bisect
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy


class Marks:
    """The marks of a file's sound examples, in order, and which lines hold none.

    The same question has the same mark; so has, once in 10**8 files of 200,000 examples, another.
    Marks are good within one run of Python: `hash` is another in each.
    """

    def __init__(self) -> None:
        self.questions = array("q")
        self.unsound = array("q")  # lines without a sound example
        self.empty = array("q")  # of these, the lines without an example

    @property
    def next_line(self) -> int:
        """The line after those that are entered."""
        return len(self.questions) + len(self.unsound) + 1

    def number_of(self, line: int) -> int:
        """Return the number of the example that stands on a line."""
        return line - bisect(self.empty, line)

    def repeated(self) -> set[int]:
        """Return the lines whose question stands in other lines, too."""
        import numpy as np

        ordered = np.sort(self.questions)
        again = ordered[1:][ordered[1:] == ordered[:-1]]
        return set(self._lines()[np.isin(self.questions, again)].tolist()) if again.size else set()

    def shared_with(self, other: "Marks") -> Iterator[tuple[int, int]]:
        """Yield each line whose question stands in the other file, and the first line there."""
        import numpy as np

        marks, first = np.unique(other.questions, return_index=True)
        shared = np.isin(self.questions, marks)
        places = first[np.searchsorted(marks, np.asarray(self.questions)[shared])]
        yield from zip(
            self._lines()[shared].tolist(), other._lines()[places].tolist(), strict=True
        )

    def _lines(self) -> "numpy.ndarray":
        """Return the line of each sound example."""
        import numpy as np

        lines = np.arange(1, len(self.questions) + len(self.unsound) + 1)
        return np.delete(lines, np.asarray(self.unsound) - 1)
