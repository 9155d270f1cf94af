"""What the API has beside this: the calls that clients may look for, and why they are not here."""

from __future__ import annotations

from practice_server.routes.call import NotServed

PERMISSIONS = "/fine_tuning/checkpoints/{model:path}/permissions"
NO_PROJECTS = "there are no projects here with which a checkpoint could be shared"
NO_GRADERS = "the method reinforcement, which needs graders, is not supported"
NOTHING_STORED = "answers are not stored"
NO_TASK = "the practice models only go on with chats and texts"

calls = [
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
    NotServed("POST", "/responses", why="ask through chat completions instead"),
    NotServed("POST", "/batches", why="ask one by one instead"),
    NotServed("POST", "/embeddings", why=NO_TASK),
    NotServed("POST", "/moderations", why=NO_TASK),
    NotServed("POST", "/images/generations", why=NO_TASK),
    NotServed("POST", "/audio/speech", why=NO_TASK),
    NotServed("POST", "/audio/transcriptions", why=NO_TASK),
    NotServed("POST", "/evals", why="score the answers on your side"),
]
