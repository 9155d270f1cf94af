"""The types of rows are those of the columns, so that what the type checker proves is true."""

import types
import typing

import pytest

from practice_server.store import tables
from practice_server.store.database import Store

COLUMN_TYPES = {"TEXT": str, "INTEGER": int}
ROWS = {
    "files": tables.FileRow,
    "uploads": tables.UploadRow,
    "parts": tables.PartRow,
    "jobs": tables.JobRow,
    "events": tables.EventRow,
    "checkpoints": tables.CheckpointRow,
}


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store.sqlite3")
    yield store
    store.close()


def test_rows_have_the_types_of_their_columns(store):
    for table, row in ROWS.items():
        columns = {column["name"]: column for column in store.all(f"PRAGMA table_info({table})")}
        for name, type in typing.get_type_hints(row).items():
            found = COLUMN_TYPES[columns[name]["type"]]
            may_be_null = not columns[name]["notnull"]
            assert type == (found | types.NoneType if may_be_null else found), (table, name)
