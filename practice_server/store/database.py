"""What the server remembers: one SQLite database that all its processes share.

Every change of state is one transaction. Each table counts its rows with `seq`, so that a list
is paged by the order in which things were made: many rows of the same second lose nothing.
"""

from __future__ import annotations

import secrets
import sqlite3
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]

SCHEMA = """
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
CREATE TABLE parts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    upload TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL
);
CREATE INDEX parts_by_upload ON parts (upload);
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
    tokens_per_epoch INTEGER,
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

# Of the tables above; kept in the database as SQLite's `user_version`.
VERSION = 1

# A trainer can wait for hours; see `app` for what waits behind a request.
LONG_PATIENCE = 6 * 3600.0

ALPHANUMERICS = string.ascii_letters + string.digits


def new_id(prefix: str, length: int = 24) -> str:
    """`prefix` and `length` letters and digits that nobody can guess."""
    return prefix + "".join(secrets.choice(ALPHANUMERICS) for _ in range(length))


class UnknownCursor(Exception):
    """A page was asked for behind a row that is not in the list; the argument is its id."""


@dataclass(frozen=True)
class Page:
    """One page of a list, and whether another follows it."""

    rows: list[Row]
    has_more: bool


class Store:
    """A connection to the database; each process opens its own."""

    def __init__(
        self,
        path: Path,
        *,
        durable: bool = False,
        journal_mode: str | None = None,
        patience: float = LONG_PATIENCE,
    ) -> None:
        """Open the database, and make its tables if it is new.

        `durable`: a change outlives a power cut too, for what a client has been promised.
        `journal_mode`: `wal` or `delete`, in SQLite's own words; the database keeps it, and a
        process that does not say one takes it as it is. `patience`: for how many seconds a lock
        that another program holds is waited for, before sqlite3.OperationalError is raised.
        Raises sqlite3.DatabaseError, and changes nothing, if it is no database of this version.
        """
        self._connection = sqlite3.connect(path, timeout=patience, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._use_tables()
        in_use = self._use_journal(journal_mode)
        # Without the write-ahead log, less than FULL may damage the database in a power cut.
        is_full = durable or in_use != "wal"
        self._connection.execute(f"PRAGMA synchronous = {'FULL' if is_full else 'NORMAL'}")

    def _use_tables(self) -> None:
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version == VERSION:
            return
        if version or self.all("SELECT name FROM sqlite_master"):
            raise sqlite3.DatabaseError(f"its version is {version}, this server's is {VERSION}")
        self._connection.executescript(
            f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;"
        )

    def _use_journal(self, mode: str | None) -> str:
        """Returns what SQLite answers: the mode that is now in use, which may be another."""
        wanted = f"= {mode}" if mode else ""
        return self._connection.execute(f"PRAGMA journal_mode {wanted}").fetchone()[0]

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside happen together or not at all."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            # SQLite may have rolled back by itself, as it does when the disk is full.
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def change(self, statement: str, values: Row) -> int:
        """Run one statement with its named values; returns how many rows it changed."""
        return self._connection.execute(statement, values).rowcount

    def insert(self, table: str, row: Row, *, unless_known: bool = False) -> None:
        """Add a row; with `unless_known`, a row that breaks a unique key is left out."""
        command = "INSERT OR IGNORE" if unless_known else "INSERT"
        places = ", ".join(f":{column}" for column in row)
        self.change(f"{command} INTO {table} ({', '.join(row)}) VALUES ({places})", row)

    def one(self, query: str, values: Row) -> Row | None:
        """The first row that the query finds, or None."""
        row = self._connection.execute(query, values).fetchone()
        return dict(row) if row else None

    def all(self, query: str, values: Row | None = None) -> list[Row]:
        """All rows that the query finds."""
        return [dict(row) for row in self._connection.execute(query, values or {})]

    def page(
        self,
        table: str,
        within: Row,
        where: str = "1",
        values: Row | None = None,
        *,
        after: str | None,
        limit: int,
        newest_first: bool = True,
    ) -> Page:
        """Rows of `table` that have the values `within` and meet `where`, beginning behind the
        row with the id `after`.

        Raises UnknownCursor if no row with the values `within` has the id `after`; that row need
        not meet `where`, since it may have been deleted.
        """
        comparison, order = ("<", "DESC") if newest_first else (">", "ASC")
        cursor = self._cursor(table, within, after, comparison)
        where = f"{_equal(within)} AND ({where}) AND {cursor}"
        rows = self.all(
            f"SELECT * FROM {table} WHERE {where} ORDER BY seq {order} LIMIT :most",
            {**within, **(values or {}), "most": limit + 1},
        )
        return Page(rows[:limit], len(rows) > limit)

    def _cursor(self, table: str, within: Row, after: str | None, comparison: str) -> str:
        if after is None:
            return "1"
        where = f"id = :id AND {_equal(within)}"
        row = self.one(f"SELECT seq FROM {table} WHERE {where}", {"id": after, **within})
        if row is None:
            raise UnknownCursor(after)
        return f"seq {comparison} {row['seq']}"


def _equal(values: Row) -> str:
    """The condition that a row has these values."""
    return " AND ".join(f"{column} = :{column}" for column in values)
