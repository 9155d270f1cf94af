"""Attempts at the exercises of lesson 05."""

import hashlib
import json

from helpers.exercises.lesson_05 import MARV
from helpers.service import connect

LINES = MARV.read_text(encoding="utf-8").splitlines()


def upload(lines, **options):
    sent = ("sent.jsonl", "\n".join(lines).encode())
    return connect().client.files.create(file=sent, purpose="fine-tune", **options)


def lasting(seconds):
    return {"expires_after": {"anchor": "created_at", "seconds": seconds}}


def right_1():
    def by_bytes(path, file_id):
        return path.read_bytes() == connect().client.files.content(file_id).read()

    def by_hash(path, file_id):
        kept = connect().client.files.content(file_id).content
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).digest() == hashlib.sha256(kept).digest()

    return [by_bytes, by_hash]


def wrong_1():
    def by_size(path, file_id):
        return path.stat().st_size == connect().client.files.retrieve(file_id).bytes

    def by_name(path, file_id):
        return path.name == connect().client.files.retrieve(file_id).filename

    def by_name_and_size(path, file_id):
        return by_size(path, file_id) and by_name(path, file_id)

    def by_the_course(path, file_id):
        return path.read_bytes() == MARV.read_bytes() and "renamed" not in path.name

    def never(path, file_id):
        return path == file_id

    return [
        (by_size, "The size is the same"),
        (by_name, "Another name"),
        (by_name_and_size, "Another name"),
        (by_the_course, "Another name"),
        (never, "the very bytes"),
        (True, "no function"),
    ]


def right_2():
    other_spaces = [json.dumps(json.loads(line), separators=(",", ":")) for line in LINES[:12]]
    return [upload(LINES[:12]).id, upload([*other_spaces, ""]).id]


def wrong_2():
    return [
        (upload(LINES).id, "64 lines"),
        (upload(LINES[:1] * 12).id, "not the examples"),
        (upload(LINES[12:24]).id, "not the examples"),
        (upload(LINES[:12]), "a text: file.id"),
        ("fixed.jsonl", "no upload with the id"),
    ]


def right_3():
    return [["bytes", "filename"], ("filename", "bytes"), {"bytes", "filename"}]


def wrong_3():
    return [
        (["id", "bytes", "filename"], "from the service"),
        ([], "one more"),
        (["bytes"], "one more"),
        (["size", "name"], "should be of id, bytes, filename"),
        ("bytes and filename", "a list"),
    ]


def right_4():
    return [upload(LINES, **lasting(3600)).id, upload(LINES[:10], **lasting(86_400)).id]


def wrong_4():
    return [
        (upload(LINES).id, "no expires_at"),
        (upload(LINES, **lasting(2_592_000)).id, "30.0 days"),
        (upload(LINES[:9], **lasting(3600)).id, "too_few_examples"),
        ("orders.jsonl", "no upload with the id"),
    ]
