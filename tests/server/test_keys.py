"""A key for each learner: what one makes is for no other, and all take turns."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import openai
import pytest

from practice_server.web.keys import BadKeys, Keys, read_keys, server_key

ROOT = Path(__file__).resolve().parents[2]
ANN, BOB = "ann-0123456789-0123456789", "bob-0123456789-0123456789"
SERVERS = "the-servers-own-key-0123"
QUESTION = [{"role": "user", "content": "Say 3."}]


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "keys.txt"
    path.write_text(f"# who key\n\nann {ANN}\n  bob\t{BOB}  \n", encoding="utf-8")
    return path


@pytest.fixture
def server(start_server, keys_file):
    return start_server("--keys", keys_file)


@pytest.fixture
def learners(server):
    return server.client_of(ANN), server.client_of(BOB)


def as_client(server, client):
    """The same server, asked with another key."""
    server.client = client
    return server


def test_what_one_makes_is_for_no_other(server, learners, data):
    ann, bob = learners
    job = as_client(server, ann).create(method=data.epochs(2))
    job = server.wait(job)
    assert job.status == "succeeded"
    upload = ann.uploads.create(bytes=5, filename="a", mime_type="text/plain", purpose="user_data")
    model, file_id = job.fine_tuned_model, job.training_file

    not_found = [
        lambda: bob.files.retrieve(file_id),
        lambda: bob.files.content(file_id),
        lambda: bob.files.delete(file_id),
        lambda: bob.files.retrieve(job.result_files[0]),
        lambda: bob.uploads.parts.create(upload.id, data=b"x"),
        lambda: bob.uploads.cancel(upload.id),
        lambda: bob.fine_tuning.jobs.retrieve(job.id),
        lambda: bob.fine_tuning.jobs.cancel(job.id),
        lambda: bob.fine_tuning.jobs.pause(job.id),
        lambda: bob.fine_tuning.jobs.resume(job.id),
        lambda: bob.fine_tuning.jobs.list_events(job.id),
        lambda: bob.fine_tuning.jobs.checkpoints.list(job.id),
        lambda: bob.models.retrieve(model),
        lambda: bob.models.delete(model),
        lambda: bob.chat.completions.create(model=model, messages=QUESTION),
        lambda: bob.completions.create(model=model, prompt="x"),
    ]
    for call in not_found:
        with pytest.raises(openai.NotFoundError):
            call()
    own = bob.files.create(file=("a.jsonl", b"{}"), purpose="fine-tune").id
    refused = [
        lambda: bob.fine_tuning.jobs.create(model="tiny", training_file=file_id),
        lambda: bob.fine_tuning.jobs.create(
            model="tiny", training_file=own, validation_file=file_id
        ),
        lambda: bob.fine_tuning.jobs.create(model=model, training_file=own),
        lambda: bob.files.list(after=file_id),
        lambda: bob.fine_tuning.jobs.list(after=job.id),
    ]
    for call in refused:
        with pytest.raises(openai.BadRequestError):
            call()
    assert [file.id for file in bob.files.list()] == [own]
    assert list(bob.fine_tuning.jobs.list()) == []
    assert [found.id for found in bob.models.list()] == [data.base]
    # The key of the server itself sees no more than another learner does.
    main = server.client_of(server.api_key)
    assert (list(main.files.list()), list(main.fine_tuning.jobs.list())) == ([], [])
    # And nothing of all this has changed what is Ann's.
    assert ann.chat.completions.create(model=model, messages=QUESTION, max_tokens=1).choices
    assert len(ann.models.list().data) == 3 and ann.files.content(file_id).read()


def test_the_same_idempotency_key_of_two_learners_makes_two_jobs(server, learners, data):
    ids = set()
    for client in learners:
        headers = {"Idempotency-Key": "1"}
        as_client(server, client)
        file_id = server.upload(data.examples(9))
        for _ in range(2):
            ids.add(server.create(training_file=file_id, extra_headers=headers).id)
    assert len(ids) == 2


def test_learners_take_turns(server, learners, data):
    ann, bob = learners

    def create(client, **options):
        return as_client(server, client).create(method=data.epochs(1), **options)

    first = as_client(server, ann).create(n_examples=100, method=data.epochs(50))
    server.wait(first, until=("running",))
    anns = [create(ann) for _ in range(3)]
    bobs = [create(bob) for _ in range(2)]
    for client, jobs in ((ann, anns), (bob, bobs)):
        for job in jobs:
            as_client(server, client).wait(job, until=("queued",))
    ann.fine_tuning.jobs.cancel(first.id)
    as_client(server, bob).wait(bobs[-1])
    as_client(server, ann).wait(anns[-1])
    with contextlib.closing(sqlite3.connect(server.home / "store.sqlite3")) as store:
        rows = store.execute("SELECT job FROM events WHERE key = 'started' ORDER BY seq")
        started = [job for (job,) in rows]
    expected = [first, bobs[0], anns[0], bobs[1], anns[1], anns[2]]
    assert started == [job.id for job in expected]


def test_a_wrong_key_is_nobodys(server):
    for key in (ANN[:-1], ANN + "x", "ann", "", "#"):
        with pytest.raises((openai.AuthenticationError, openai.OpenAIError)):
            server.client_of(key).models.list()


def test_owners(keys_file):
    keys = Keys(SERVERS, read_keys(keys_file, server_key=SERVERS))
    assert [keys.owner(key) for key in (ANN, BOB, SERVERS)] == ["ann", "bob", ""]
    assert keys.owner("ann") is keys.owner("") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has no keys"),
        ("ann", "line 1: write a name, a blank and a key"),
        (f"\nann {ANN} x", "line 2: write a name"),
        ("ann short", "line 1: the key of ann must have at least 22 random letters"),
        (f"a:b {ANN}", "line 1: the name must have"),
        (f"ann {ANN}\nann {BOB}", "line 2: ann has a key already"),
        (f"ann {ANN}\nbob {ANN}", "line 2: the key of bob belongs to somebody else already"),
        (f"ann {ANN}\nbob {SERVERS}", "line 2: the key of bob is the server's own"),
    ],
)
def test_a_bad_file_of_keys_names_the_line(tmp_path, text, message):
    path = tmp_path / "keys.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadKeys) as error:
        read_keys(path, server_key=SERVERS)
    assert message in str(error.value)
    assert ANN not in str(error.value) and "short" not in str(error.value)


@pytest.mark.parametrize("key", [f"{SERVERS} ", " ", "schlüssel", "a\tb"])
def test_a_key_that_no_client_could_send_is_refused(key):
    with pytest.raises(BadKeys, match="PRACTICE_SERVER_KEY must have no blanks"):
        server_key(key)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, ", the file of keys, cannot be read: "),
        ("", " has no keys; "),
        ("ann a-short-key", ", line 1: the key of ann must have at least 22 random "),
        (f"ann {ANN}\nbob {ANN}", ", line 2: the key of bob belongs to somebody else already"),
        (f"# who key\nann {SERVERS}", ", line 2: the key of ann is the server's own, PRACTICE"),
    ],
)
def test_a_server_does_not_start_with_bad_keys(tmp_path, text, words):
    """One sentence says where to look, and shows no key."""
    path = tmp_path / "keys.txt"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "practice_server", "--home", tmp_path / "home", "--keys", path],
        cwd=ROOT,
        env={**os.environ, "PRACTICE_SERVER_KEY": SERVERS},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{path}{words}") and done.stderr.count("\n") == 1
    assert not any(key in done.stderr for key in (ANN, SERVERS, "a-short-key"))


def test_keys_are_enough_for_other_machines(start_server, keys_file):
    server = start_server("--keys", keys_file, "--host", "0.0.0.0")
    port = server.base_url.rsplit(":", 1)[1]
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{port}", api_key=ANN)
    assert client.models.list().data
    assert os.environ.get("PRACTICE_SERVER_KEY") is None
