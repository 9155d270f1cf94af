"""Between two groups: end the practice server of this course, and delete all that was made.

    python -m docs.reset

Close JupyterLab before. The folder work/ goes, and nothing else: what learners wrote into the
notebooks is put back by `git restore notebooks`.
"""

import json
import os
import shutil
import signal
import time
from pathlib import Path

from helpers.service import ROOT, is_held


def reset(work: Path) -> None:
    """End the practice server that has its home in this work folder, and delete the folder."""
    lock = work / "practice" / "lock.sqlite3"
    if is_held(lock):
        server = json.loads((lock.parent / "server.json").read_text(encoding="utf-8"))
        os.kill(server["pid"], signal.SIGTERM)
    while is_held(lock):
        time.sleep(0.1)
    shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    reset(ROOT / "work")
    print("work/ is still there: what uses it?" if (ROOT / "work").exists() else "work/ is gone")
