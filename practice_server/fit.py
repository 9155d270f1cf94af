"""Whether a job fits in memory. One that does not is refused before it trains."""

from __future__ import annotations

from practice_server.catalogue import Model
from practice_server.engines.engine import DataSize
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.jobs import JobFailed

MEGABYTE = 1_000_000


def refuse_what_does_not_fit(
    model: Model, data: DataSize, batch_size: int, memory: int | None
) -> None:
    """Raise JobFailed if training needs more than `memory` bytes; None: nobody knows.

    The error names what would have to be smaller: `batch_size` if one example at a time would
    fit, `training_file` if short and few examples would, otherwise `model`.
    """
    needed = NumpyEngine.memory_needed(model.folder, data, batch_size)
    if memory is None or needed <= memory:
        return

    def would_fit(data: DataSize) -> bool:
        return NumpyEngine.memory_needed(model.folder, data, 1) <= memory

    if would_fit(data):
        param, advice = "batch_size", f"Choose a batch_size smaller than {batch_size}"
    elif would_fit(DataSize(n_examples=0, n_tokens=0, longest=1, n_texts=1)):
        param, advice = "training_file", "Use shorter or fewer examples"
    else:
        param, advice = "model", "Choose a smaller model, or let the server have more memory"
    message = (
        f"The job failed because its training needs about {_megabytes(needed)} of memory, but the"
        f" practice server has {_megabytes(memory)} for it. {advice}"
    )
    raise JobFailed("not_enough_memory", message, param)


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / MEGABYTE:,.0f} MB"
