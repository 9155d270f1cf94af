"""Uploads: what comes in goes out again, byte for byte."""

import contextlib
import hashlib
import json
import sqlite3

import openai
import pytest
from openai.types import FileDeleted, FileObject

LINE = b'{"prompt": "a", "completion": "b"}\n'


def upload(client, content=LINE, name="some.jsonl", purpose="fine-tune", **options):
    return client.files.create(file=(name, content), purpose=purpose, **options)


def test_upload_is_answered_in_the_services_form(client, strict):
    answer = client.files.with_raw_response.create(file=("a.jsonl", LINE), purpose="fine-tune")
    content = answer.http_response.json()
    assert list(content) == [
        *("object", "id", "purpose", "filename", "bytes", "created_at"),
        *("expires_at", "status", "status_details"),
    ]
    file = strict(FileObject, content)
    assert file.id.startswith("file-") and file.bytes == len(LINE)
    assert (file.filename, file.status) == ("a.jsonl", "processed")


def test_content_is_what_was_sent(client):
    content = "".join(
        f'{{"n": {n}, "text": "道 \\u00e9 {n}"}}\r\n' for n in range(20_000)
    ).encode()
    file = upload(client, content)
    received = client.files.content(file.id).read()
    assert hashlib.sha256(received).digest() == hashlib.sha256(content).digest()


def test_retrieve_gives_the_same_object(client):
    file = upload(client)
    assert client.files.retrieve(file.id) == file


def test_a_deleted_file_is_gone(client, strict):
    file = upload(client)
    answer = client.files.with_raw_response.delete(file.id).http_response.json()
    assert strict(FileDeleted, answer).deleted
    assert file.id not in [other.id for other in client.files.list()]
    for call in (client.files.retrieve, client.files.content, client.files.delete):
        with pytest.raises(openai.NotFoundError, match=f"No such File object: {file.id}") as error:
            call(file.id)
        assert (error.value.param, error.value.type) == ("id", "invalid_request_error")


def test_list_pages_through_all_files_newest_first(start_server):
    client = start_server().client
    ids = [upload(client, name=f"{number}.jsonl").id for number in range(7)]
    assert [file.id for file in client.files.list(limit=2)] == ids[::-1]
    assert [file.id for file in client.files.list(limit=3, order="asc")] == ids
    first = client.files.list(limit=2)
    client.files.delete(first.data[-1].id)  # the place in the list is kept
    assert [file.id for file in first.get_next_page()] == ids[4::-1]


def test_list_by_purpose(client):
    file = upload(client, purpose="user_data", content=b"anything")
    assert [other.id for other in client.files.list(purpose="user_data")] == [file.id]


@pytest.mark.parametrize("name", ["../../x", "/etc/x", "C:\\x", "道.jsonl", 'a"b.jsonl', "x\\ny"])
def test_a_name_is_only_a_name(server, client, name):
    file = upload(client, name=name)
    assert client.files.content(file.id).read() == LINE
    assert (server.home / "files" / file.id).read_bytes() == LINE
    assert not list(server.home.parent.rglob("x"))


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b'[{"a": 1}]\n', 'Line 1 is not a dictionary (HINT: line starts with: "[{"a": 1}]")'),
        (b'{"a": 1}\n{\n "a": 1}\n', 'Line 2 is not a dictionary (HINT: line starts with: "{")'),
        (b"\xef\xbb\xbf" + LINE, 'line starts with: "\\ufeff{'),
        (b"{'a': 1}\n", "Line 1"),
        (b'{"a": NaN}\n', "Line 1"),
        (b'{"a": "\xff"}\n', "Line 1"),
        (b'{"a": 1}\n7\n', "Line 2"),
        (LINE + b'{"a": "' + bytes(2**21) + b'"}\n', "Line 2 has more than 2097152 bytes"),
    ],
)
def test_what_is_not_jsonl_is_refused(server, client, content, hint):
    before = set((server.home / "files").iterdir())
    with pytest.raises(openai.BadRequestError) as error:
        upload(client, content)
    message = error.value.body["message"]
    assert message.startswith(
        "Expected file to have JSONL format, where every line is a valid JSON dictionary. "
    )
    assert hint in message
    assert set((server.home / "files").iterdir()) == before


def test_an_unknown_purpose_is_refused(client):
    with pytest.raises(openai.BadRequestError) as error:
        upload(client, purpose="finetune")
    purposes = "['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals']"
    assert error.value.body["message"] == f"'finetune' is not one of {purposes} - 'purpose'"
    assert error.value.param == "purpose"


def test_an_upload_may_expire(client):
    life = {"anchor": "created_at", "seconds": 3600}
    file = upload(client, expires_after=life)
    assert file.expires_at == file.created_at + 3600


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"expires_after": {"anchor": "created_at", "seconds": 3599}}, "expires_after[seconds]"),
        (
            {"expires_after": {"anchor": "created_at", "seconds": 2592001}},
            "expires_after[seconds]",
        ),
        (
            {"expires_after": {"anchor": "created_at", "seconds": "9" * 5_000}},
            "expires_after[seconds]",
        ),
        ({"expires_after": {"anchor": "now", "seconds": 3600}}, "expires_after[anchor]"),
        ({"extra_body": {"colour": "red"}}, "colour"),
    ],
)
def test_a_bad_upload_names_its_parameter(client, options, param):
    with pytest.raises(openai.BadRequestError) as error:
        upload(client, **options)
    assert error.value.param == param


def test_an_expired_file_is_gone(server, client, data):
    life = {"anchor": "created_at", "seconds": 3600}
    content = "".join(json.dumps(line) + "\n" for line in data.examples(10)).encode()
    file = upload(client, content, expires_after=life)
    with contextlib.closing(sqlite3.connect(server.home / "store.sqlite3")) as store, store:
        store.execute("UPDATE files SET expires_at = 1 WHERE id = ?", (file.id,))
    with pytest.raises(openai.NotFoundError, match=f"No such File object: {file.id}"):
        client.files.retrieve(file.id)
    assert file.id not in [other.id for other in client.files.list()]
    with pytest.raises(openai.BadRequestError, match=f"invalid training_file: {file.id}"):
        client.fine_tuning.jobs.create(model="tiny", training_file=file.id)
