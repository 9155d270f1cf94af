"""The tables of the database: each as SQL makes it, and as programs read a row of it.

What only SQL looks at is in no row: `seq`, which counts the rows of a table, so that a list is
paged by the order in which things were made, and the like. Times are in seconds since 1970.
"""

from __future__ import annotations

from typing import TypedDict

FILES = """
CREATE TABLE files (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    purpose TEXT NOT NULL,
    filename TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    deleted INTEGER NOT NULL DEFAULT 0
);
"""


class FileRow(TypedDict):
    id: str
    owner: str
    purpose: str
    filename: str
    bytes: int
    sha256: str | None
    created_at: int
    expires_at: int | None


UPLOADS = """
CREATE TABLE uploads (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    purpose TEXT NOT NULL,
    filename TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    file_expires_in INTEGER,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    file TEXT,
    completed_from TEXT
);
"""


class UploadRow(TypedDict):
    id: str
    owner: str
    purpose: str
    filename: str
    bytes: int
    file_expires_in: int | None
    created_at: int
    expires_at: int
    status: str
    file: str | None
    completed_from: str | None


PARTS = """
CREATE TABLE parts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    upload TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX parts_by_upload ON parts (upload);
"""


class PartRow(TypedDict):
    id: str
    upload: str
    bytes: int
    created_at: int


JOBS = """
CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL,
    idempotency_key TEXT UNIQUE,
    status TEXT NOT NULL,
    model TEXT NOT NULL,
    training_file TEXT NOT NULL,
    validation_file TEXT,
    suffix TEXT,
    seed INTEGER NOT NULL,
    method TEXT NOT NULL,
    hyperparameters TEXT NOT NULL,
    metadata TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    estimated_finish INTEGER,
    fine_tuned_model TEXT,
    result_file TEXT,
    tokens_per_epoch INTEGER NOT NULL DEFAULT 0,
    trained_tokens INTEGER,
    error TEXT,
    lease INTEGER NOT NULL DEFAULT 0,
    last_step INTEGER NOT NULL DEFAULT 0,
    deaths INTEGER NOT NULL DEFAULT 0,
    step_at_death INTEGER NOT NULL DEFAULT -1,
    validation_turn INTEGER NOT NULL DEFAULT 0,
    training_turn INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_status ON jobs (status, seq);
"""


class JobRow(TypedDict):
    id: str
    owner: str
    status: str
    model: str
    training_file: str
    validation_file: str | None
    suffix: str | None
    seed: int
    method: str
    hyperparameters: str
    metadata: str | None
    created_at: int
    finished_at: int | None
    estimated_finish: int | None
    fine_tuned_model: str | None
    result_file: str | None
    tokens_per_epoch: int
    trained_tokens: int | None
    error: str | None
    lease: int
    last_step: int
    deaths: int
    step_at_death: int


EVENTS = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT,
    UNIQUE (job, key)
);
CREATE INDEX events_by_job ON events (job, seq);
"""


class EventRow(TypedDict):
    id: str
    job: str
    key: str
    created_at: int
    level: str
    message: str
    type: str
    data: str | None


CHECKPOINTS = """
CREATE TABLE checkpoints (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL,
    step INTEGER NOT NULL,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    metrics TEXT NOT NULL,
    published INTEGER NOT NULL DEFAULT 0,
    UNIQUE (job, step)
);
"""


class CheckpointRow(TypedDict):
    id: str
    job: str
    step: int
    name: str
    created_at: int
    metrics: str
    published: int


SCHEMA = FILES + UPLOADS + PARTS + JOBS + EVENTS + CHECKPOINTS
# Of these tables; kept in the database as SQLite's `user_version`.
VERSION = 1
