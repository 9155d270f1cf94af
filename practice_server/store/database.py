"""What the server remembers: one SQLite database that all its processes share.

Every change of state is one transaction. Rows come as SQLite gives them; the modules that keep a
table say of which type they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from practice_server.store.tables import SCHEMA, VERSION

Values = Mapping[str, Any]
RowType = TypeVar("RowType")

# A trainer can wait for hours; see `app` for what waits behind a request.
LONG_PATIENCE = 6 * 3600.0


class UnknownCursor(Exception):
    """A page was asked for behind a row that is not in the list; the argument is its id."""


@dataclass(frozen=True)
class Page(Generic[RowType]):
    """One page of a list, and whether another follows it."""

    rows: list[RowType]
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

    def change(self, statement: str, values: Values) -> int:
        """Run one statement with its named values; returns how many rows it changed."""
        return self._connection.execute(statement, values).rowcount

    def insert(self, table: str, row: Values, *, unless_known: bool = False) -> None:
        """Add a row; with `unless_known`, a row that breaks a unique key is left out."""
        command = "INSERT OR IGNORE" if unless_known else "INSERT"
        places = ", ".join(f":{column}" for column in row)
        self.change(f"{command} INTO {table} ({', '.join(row)}) VALUES ({places})", row)

    def one(self, query: str, values: Values) -> Any:
        """The first row that the query finds, or None."""
        row = self._connection.execute(query, values).fetchone()
        return dict(row) if row else None

    def all(self, query: str, values: Values | None = None) -> list[Any]:
        """All rows that the query finds."""
        return [dict(row) for row in self._connection.execute(query, values or {})]

    def page(
        self,
        table: str,
        within: Values,
        where: str = "1",
        values: Values | None = None,
        *,
        after: str | None,
        limit: int,
        newest_first: bool = True,
    ) -> Page[Any]:
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

    def _cursor(self, table: str, within: Values, after: str | None, comparison: str) -> str:
        if after is None:
            return "1"
        where = f"id = :id AND {_equal(within)}"
        row = self.one(f"SELECT seq FROM {table} WHERE {where}", {"id": after, **within})
        if row is None:
            raise UnknownCursor(after)
        return f"seq {comparison} {row['seq']}"


def _equal(values: Values) -> str:
    """The condition that a row has these values."""
    return " AND ".join(f"{column} = :{column}" for column in values)
