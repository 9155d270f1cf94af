"""What is right in lesson 05."""

import json
import tempfile
from pathlib import Path
from typing import Any

import openai

from helpers.check import check_file
from helpers.exercises.judging import NotYet, require, require_results
from helpers.service import ROOT, connect

MARV = ROOT / "data" / "marv" / "train.jsonl"
DAY = 86_400  # seconds


def exercise_1(is_current: Any) -> None:
    """Files that differ in size, in name, in neither, against one upload."""
    sent = MARV.read_bytes()
    # By path: the bytes of a file, and what is true of it beside the upload of train.jsonl.
    others = {
        "train.jsonl": (sent, "These are the very bytes that were sent."),
        "renamed.jsonl": (sent, "Another name, but the very bytes that were sent."),
        "later/train.jsonl": (sent + b"\n", "The name is the same, but not the bytes."),
        "swapped.jsonl": (sent[::-1], "The size is the same, but not the bytes."),
        "edited/train.jsonl": (sent[::-1], "Name and size are the same, but not the bytes."),
    }
    client = connect().client
    with tempfile.TemporaryDirectory() as folder:
        for name, (content, _) in others.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        upload = client.files.create(file=Path(folder) / "train.jsonl", purpose="fine-tune")
        try:
            for name, (content, hint) in others.items():
                case = ((Path(folder) / name, upload.id), content == sent)
                require_results(is_current, [case], hint)
        finally:
            client.files.delete(upload.id)


def exercise_2(fixed_id: Any) -> None:
    """Marv's first twelve examples, one a line."""
    lines = [line for line in _content(fixed_id).splitlines() if line.strip()]
    require(len(lines) == 12, f"the upload has {len(lines)} lines, and should have twelve.")
    wanted = [json.loads(line) for line in MARV.read_bytes().splitlines()[:12]]
    found = [json.loads(line) for line in lines]
    require(found == wanted, "twelve lines, but not the examples of array.jsonl in their order.")


def exercise_3(same: Any) -> None:
    """Send the same bytes twice and compare."""
    require(isinstance(same, list | tuple | set), 'it should be a list, such as ["id"].')
    client = connect().client
    first, second = (client.files.create(file=MARV, purpose="fine-tune") for _ in range(2))
    names = ("id", "bytes", "filename")
    equal = {name for name in names if getattr(first, name) == getattr(second, name)}
    for file_id in {first.id, second.id}:
        client.files.delete(file_id)
    require(set(same) <= set(names), f"the names should be of {', '.join(names)}.")
    missing = "one more is the same" if set(same) < equal else "not all of these are the same"
    require(set(same) == equal, f"{missing}: what came from you, and what from the service?")


def exercise_4(short_lived_id: Any) -> None:
    """A file without errors that ends within a day."""
    content = _content(short_lived_id)
    file = connect().client.files.retrieve(short_lived_id)
    require(file.expires_at, "the upload has no expires_at: it stays until somebody deletes it.")
    days = ((file.expires_at or 0) - file.created_at) / DAY
    require(days <= 1, f"the upload stays for {days:.1f} days.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "upload.jsonl"
        path.write_bytes(content)
        errors = check_file(path).errors
    require(not errors, f"check_file finds: {errors and errors[0]}")


def _content(file_id: Any) -> bytes:
    """What the service keeps under an id."""
    require(isinstance(file_id, str), "it should be the id of an upload, a text: file.id.")
    try:
        return connect().client.files.content(file_id).read()
    except openai.NotFoundError:
        raise NotYet(f"the service has no upload with the id {file_id!r}.") from None
