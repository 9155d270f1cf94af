"""Between two groups: end the practice server of this course, and delete all that was made.

    python -m docs.reset

Close JupyterLab before. The folder work/ goes, and nothing else: what learners wrote into the
notebooks is put back by `git restore notebooks`.
"""

import shutil
from pathlib import Path

from binder.take_home import no_server
from helpers.service import ROOT


def reset(work: Path) -> None:
    """End the practice server that has its home in this work folder, and delete the folder."""
    with no_server(work):
        pass
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    reset(ROOT / "work")
    print("work/ is still there: what uses it?" if (ROOT / "work").exists() else "work/ is gone")
