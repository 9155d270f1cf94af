"""Uploads in parts: the file is what the parts were, in the order of their ids."""

import contextlib
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest
from openai.types import Upload
from openai.types.uploads import UploadPart


def lines(examples):
    return "".join(f"{json.dumps(example)}\n" for example in examples).encode()


@pytest.fixture
def content(data):
    return lines(data.examples(10))


@pytest.fixture
def begin(client, content):
    """Begin an upload of `content`."""

    def begin(**options):
        options = {"bytes": len(content), "purpose": "fine-tune", **options}
        return client.uploads.create(filename="a.jsonl", mime_type="text/jsonl", **options)

    return begin


def add(client, upload, data):
    return client.uploads.parts.create(upload.id, data=data).id


def test_parts_become_a_file_that_a_job_trains_on(server, client, content, begin, strict, data):
    answer = client.uploads.with_raw_response.create(
        bytes=len(content), filename="a.jsonl", mime_type="text/jsonl", purpose="fine-tune"
    )
    upload = strict(Upload, answer.http_response.json())
    assert (upload.status, upload.file, upload.bytes) == ("pending", None, len(content))
    assert upload.expires_at == upload.created_at + 3600
    last = add(client, upload, content[100:])
    first_part = client.uploads.parts.with_raw_response.create(upload.id, data=content[:100])
    first = strict(UploadPart, first_part.http_response.json()).id
    done = client.uploads.with_raw_response.complete(
        upload.id, part_ids=[first, last], md5=hashlib.md5(content).hexdigest()
    )
    done = strict(Upload, done.http_response.json())
    assert (done.status, done.id) == ("completed", upload.id)
    assert (done.file.filename, done.file.bytes) == ("a.jsonl", len(content))
    assert client.files.retrieve(done.file.id) == done.file
    assert client.files.content(done.file.id).read() == content
    assert not (server.home / "uploads" / upload.id).exists()
    job = server.wait(server.create(training_file=done.file.id, method=data.epochs(1)))
    assert job.status == "succeeded"


def test_an_upload_that_is_completed_again_gives_the_same_file(client, content, begin):
    upload = begin()
    parts = [add(client, upload, content[:100]), add(client, upload, content[100:])]
    done = client.uploads.complete(upload.id, part_ids=parts)
    assert client.uploads.complete(upload.id, part_ids=parts) == done
    names = [file.filename for file in client.files.list() if file.id == done.file.id]
    assert names == [done.file.filename]
    with pytest.raises(openai.BadRequestError, match="is completed"):
        client.uploads.complete(upload.id, part_ids=parts[::-1])


def at_once(call, times):
    """What so many calls at the same time give; None for one that is refused."""

    def answer(number):
        with contextlib.suppress(openai.BadRequestError):
            return call()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(answer, range(times)))


def test_an_upload_that_is_completed_thrice_at_once_gives_the_same_file(client, begin):
    content = b"x" * 5_000_000
    upload = begin(bytes=len(content), purpose="user_data")
    part = add(client, upload, content)
    done = at_once(lambda: client.uploads.complete(upload.id, part_ids=[part]), times=3)
    assert done[0].status == "completed" and done == [done[0]] * 3
    assert client.files.content(done[0].file.id).read() == content


def test_the_packages_own_way_of_sending_a_large_file(client, content):
    upload = client.uploads.upload_file_chunked(
        file=content,
        filename="a.jsonl",
        mime_type="text/jsonl",
        purpose="fine-tune",
        bytes=len(content),
        part_size=64,
    )
    assert client.files.content(upload.file.id).read() == content


def test_a_file_from_parts_may_expire(client, content, begin):
    upload = begin(expires_after={"anchor": "created_at", "seconds": 3600})
    done = client.uploads.complete(upload.id, part_ids=[add(client, upload, content)])
    assert done.file.expires_at == done.file.created_at + 3600


def test_what_does_not_fit_is_refused_and_can_be_put_right(server, client, content, begin):
    upload = begin()
    whole, half = add(client, upload, content), add(client, upload, content[:50])
    other = add(client, begin(), content)
    before = set((server.home / "files").iterdir())
    for part_ids, md5, param, message in (
        ([half], None, "part_ids", "The parts have 50 bytes together, but the upload has"),
        ([], None, "part_ids", "The parts have 0 bytes"),
        ([whole, whole], None, "part_ids", "more than once"),
        ([other], None, "part_ids", "is not a part of this upload"),
        (["../x"], None, "part_ids", "is not a part of this upload"),
        ([whole], "0" * 32, "md5", "The md5 of the parts is"),
    ):
        options = {} if md5 is None else {"md5": md5}
        with pytest.raises(openai.BadRequestError) as error:
            client.uploads.complete(upload.id, part_ids=part_ids, **options)
        assert error.value.param == param and message in error.value.body["message"]
    assert set((server.home / "files").iterdir()) == before
    assert client.uploads.complete(upload.id, part_ids=[whole]).status == "completed"


def test_parts_that_are_no_json_lines_make_no_file(client, begin):
    upload = begin(bytes=5)
    part = add(client, upload, b"[1]\n\n")
    with pytest.raises(openai.BadRequestError, match="Expected file to have JSONL format"):
        client.uploads.complete(upload.id, part_ids=[part])


def test_a_cancelled_upload_takes_nothing_more(server, client, content, begin, strict):
    upload = begin()
    part = add(client, upload, content)
    answer = client.uploads.with_raw_response.cancel(upload.id).http_response.json()
    assert strict(Upload, answer).status == "cancelled"
    assert not (server.home / "uploads" / upload.id).exists()
    for call in (
        lambda: add(client, upload, content),
        lambda: client.uploads.complete(upload.id, part_ids=[part]),
        lambda: client.uploads.cancel(upload.id),
    ):
        with pytest.raises(openai.BadRequestError, match="is cancelled") as error:
            call()
        assert (error.value.param, error.value.code) == ("upload_id", "invalid_status")


def test_parts_beyond_the_size_are_refused(client, content, begin):
    upload = begin()
    with pytest.raises(openai.BadRequestError, match="The parts have more bytes"):
        add(client, upload, content + b"\n")
    for _ in range(2):
        add(client, upload, content)
    with pytest.raises(openai.BadRequestError, match="The parts have more bytes"):
        add(client, upload, b"\n")


def test_parts_at_once_are_counted_too(server, client, content, begin):
    upload = begin()
    taken = at_once(lambda: add(client, upload, content), times=30)
    parts = {part for part in taken if part}
    assert len(parts) == 2
    assert {path.name for path in (server.home / "uploads" / upload.id).iterdir()} == parts


def test_parts_outlive_a_crash(start_server, content):
    server = start_server()
    options = {"filename": "a.jsonl", "mime_type": "text/jsonl", "purpose": "fine-tune"}
    upload = server.client.uploads.create(bytes=len(content), **options)
    first = add(server.client, upload, content[:10])
    server.kill()
    server.start()
    second = add(server.client, upload, content[10:])
    done = server.client.uploads.complete(upload.id, part_ids=[first, second])
    assert server.client.files.content(done.file.id).read() == content


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"bytes": 0}, "bytes"),
        ({"bytes": 8 * 1024**3 + 1}, "bytes"),
        ({"bytes": None}, "bytes"),
        ({"purpose": "finetune"}, "purpose"),
        ({"expires_after": {"anchor": "created_at", "seconds": 60}}, "expires_after.seconds"),
        ({"expires_after": {"anchor": "now", "seconds": 3600}}, "expires_after.anchor"),
        (
            {"expires_after": {"anchor": "created_at", "seconds": 3600, "hours": 1}},
            "expires_after.hours",
        ),
        ({"extra_body": {"parts": 3}}, "parts"),
    ],
)
def test_a_bad_upload_names_its_parameter(begin, change, param):
    with pytest.raises(openai.BadRequestError) as error:
        begin(**change)
    assert error.value.param == param


def test_a_part_is_nothing_but_its_data(client, content, begin):
    with pytest.raises(openai.BadRequestError) as error:
        client.uploads.parts.create(begin().id, data=content, extra_body={"md5": "x"})
    assert error.value.param == "md5"


def test_an_unknown_upload(client):
    for call in (
        lambda: client.uploads.parts.create("upload_x", data=b"x"),
        lambda: client.uploads.complete("upload_x", part_ids=[]),
        lambda: client.uploads.cancel("upload_x"),
    ):
        with pytest.raises(openai.NotFoundError, match="No such Upload object: upload_x"):
            call()
