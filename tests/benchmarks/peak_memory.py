"""What a benchmark's process has held."""

import sys


def peak_memory() -> float:
    """Return the most memory that this process has held, in megabytes; nan on Windows."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
