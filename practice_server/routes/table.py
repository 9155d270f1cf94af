"""All calls, served or not: the application's routes, and the table that the command prints."""

from __future__ import annotations

from practice_server.routes import (
    chat,
    completions,
    files,
    fine_tuning,
    models,
    responses,
    uploads,
)
from practice_server.routes.call import NotServed, OtherMethods

PERMISSIONS = "/fine_tuning/checkpoints/{model:path}/permissions"
NO_PROJECTS = "there are no projects here with which a checkpoint could be shared"
NO_GRADERS = "the method reinforcement, which needs graders, is not supported"
NOTHING_STORED = "answers are not stored"
NO_TASK = "the practice models only go on with chats and texts"

# What clients may look for, and why it is not here.
NOT_SERVED = [
    NotServed("POST", PERMISSIONS, why=NO_PROJECTS),
    NotServed("GET", PERMISSIONS, why=NO_PROJECTS),
    NotServed("DELETE", f"{PERMISSIONS}/{{id}}", why=NO_PROJECTS),
    NotServed("POST", "/fine_tuning/alpha/graders/run", why=NO_GRADERS),
    NotServed("POST", "/fine_tuning/alpha/graders/validate", why=NO_GRADERS),
    NotServed("GET", "/chat/completions", why=NOTHING_STORED),
    NotServed("GET", "/chat/completions/{id}", why=NOTHING_STORED),
    NotServed("POST", "/chat/completions/{id}", why=NOTHING_STORED),
    NotServed("DELETE", "/chat/completions/{id}", why=NOTHING_STORED),
    NotServed("GET", "/chat/completions/{id}/messages", why=NOTHING_STORED),
    NotServed("GET", "/responses/{id}", why=NOTHING_STORED),
    NotServed("DELETE", "/responses/{id}", why=NOTHING_STORED),
    NotServed("POST", "/responses/{id}/cancel", why="every answer comes at once"),
    NotServed("GET", "/responses/{id}/input_items", why=NOTHING_STORED),
    NotServed("POST", "/batches", why="ask one by one instead"),
    NotServed("POST", "/embeddings", why=NO_TASK),
    NotServed("POST", "/moderations", why=NO_TASK),
    NotServed("POST", "/images/generations", why=NO_TASK),
    NotServed("POST", "/audio/speech", why=NO_TASK),
    NotServed("POST", "/audio/transcriptions", why=NO_TASK),
    NotServed("POST", "/evals", why="score the answers on your side"),
]


CALLS = [
    *files.calls,
    *uploads.calls,
    *fine_tuning.calls,
    *models.calls,
    *chat.calls,
    *completions.calls,
    *responses.calls,
    *NOT_SERVED,
]
OTHER_METHODS = [
    OtherMethods(path, [call for call in CALLS if call.path == path])
    for path in dict.fromkeys(call.path for call in CALLS)
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
