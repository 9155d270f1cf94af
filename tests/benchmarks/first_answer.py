"""How long after the first click on *Run All*, in lesson 00, a tuned model answers.

    python -m tests.benchmarks.first_answer
    taskset -c 0 python -m tests.benchmarks.first_answer

The clock starts with the kernel; JupyterLab is there already. The second line leaves one
processor, as Binder does.
"""

import time

from tests.benchmarks.lesson_memory import cells_run, jupyterlab
from tests.surroundings import ROOT

LESSON = ROOT / "notebooks" / "00_start_here.ipynb"


def main() -> None:
    with jupyterlab() as work:
        start = time.perf_counter()
        for cell in cells_run(LESSON, work):
            if "fine_tuned_model" in cell:
                break
        print(f"a tuned model has answered after {time.perf_counter() - start:.0f} seconds")


if __name__ == "__main__":
    main()
