"""What a benchmark's process has held."""

import re
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_memory() -> float:
    """Return the most memory that this process has held, in megabytes; nan on Windows."""
    if STATUS.is_file():  # getrusage would count what the process had that started this one
        return int(re.search(r"VmHWM:\s*(\d+)", STATUS.read_text(encoding="utf-8"))[1]) / 2**10
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
