"""All calls, served or not: the application's routes, and the table that the command prints."""

from __future__ import annotations

from practice_server.routes import (
    chat,
    completions,
    files,
    fine_tuning,
    models,
    not_served,
    uploads,
)

CALLS = [
    *files.calls,
    *uploads.calls,
    *fine_tuning.calls,
    *models.calls,
    *chat.calls,
    *completions.calls,
    *not_served.calls,
]


def as_text() -> str:
    """A line for each call: method, path, whether it is served, and how it differs or why not."""
    rows = [("method", "path", "served", "differs")]
    for call in CALLS:
        path = f"/v1{call.path_format}"
        rows.append((call.method, path, "yes" if call.is_served else "no", call.remark))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)
