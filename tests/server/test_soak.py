"""Mixed work for a while: uploads, jobs, chats, deletes, odd requests, slow clients, and kills.

    SOAK_SECONDS=600 python -m pytest -n0 -s tests/server/test_soak.py

works for ten minutes, and prints what it did. At the end nothing that was acknowledged is lost,
every job has come to its end, and the process that answers HTTP has stayed small.
"""

import contextlib
import os
import random
import socket
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import openai
import pytest

from tests.server.conftest import DONE
from tests.server.crash import LISTS_CHILDREN, children, end_all, rows
from tests.server.neighbour import KEY, Neighbour

pytestmark = pytest.mark.skipif(not LISTS_CHILDREN, reason="finds processes in /proc")

SECONDS = float(os.environ.get("SOAK_SECONDS", "10"))
NEIGHBOURS = 4
MOST_WAITING_JOBS = 3
MOST_KILOBYTES = 150_000
SERVER = "practice_server"
VICTIMS = [SERVER, "practice_server.training.trainer", "practice_server.asking.answering"]
MOST_OPEN_CONNECTIONS = 60
AUTHORIZED = f"Host: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\n".encode()
ODD = [
    b"",
    b"\0" * 5_000,
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST /v1/files HTTP/1.1\r\n" + AUTHORIZED + b"Content-Length: 100000\r\n\r\nshort",
    b"POST /v1/chat/completions HTTP/1.1\r\n" + AUTHORIZED + b"Content-Length: 1\r\n\r\n{",
    b"POST /v1/chat/completions HTTP/1.1\r\n" + AUTHORIZED + b"Content-Length: -1\r\n\r\n",
    b"GET /v1/files?limit=x&" + b"a" * 50_000 + b" HTTP/1.1\r\n" + AUTHORIZED + b"\r\n",
    b"GET /v1/models HTTP/1.1\r\n" + AUTHORIZED + b"X: \xff\xfe\r\n\r\n",
]
TRICKS = {  # what is odd in requests that a client can send
    "messages": [[], [{"role": "nobody"}], [{"role": "user", "content": "x" * 1_100_000}]],
    "max_tokens": [-1, 10**30, "many"],
    "temperature": [3, None, "hot"],
    "tools": [[{}]],
}


class Soaked(Neighbour):
    """One of several neighbours, who does everything that a client can do."""

    def __init__(self, server, draw):
        super().__init__(server, draw)
        self.jobs = []
        self.open = []

    def works(self):
        often = (self.upload, self.upload_in_parts, self.chat, self.train, self.delete)
        seldom = (self.odd_bytes, self.odd_request, self.half_a_request, self.leave, self.stop_job)
        return (*often, *often, *seldom)

    def train(self, client):
        lines = b"".join(
            b'{"messages": [{"role": "user", "content": "Say %d."},'
            b' {"role": "assistant", "content": "%d!"}]}\n' % (number, number)
            for number in range(10)
        )
        file = client.files.create(file=("train.jsonl", lines), purpose="fine-tune")
        method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
        options = {"model": "tiny", "training_file": file.id, "method": method}
        waiting = [
            job for job in self.jobs if client.fine_tuning.jobs.retrieve(job).status not in DONE
        ]
        if len(waiting) < MOST_WAITING_JOBS:
            self.jobs.append(client.fine_tuning.jobs.create(**options).id)

    def stop_job(self, client):
        with contextlib.suppress(openai.BadRequestError):  # it has come to its end
            for job in self.jobs[-1:]:
                client.fine_tuning.jobs.cancel(job)

    def delete(self, client):
        if self.files:
            file = self.draw.choice(list(self.files))
            del self.files[file]  # whether it is there is not known if the server is killed now
            client.files.delete(file)

    def odd_request(self, client):
        field = self.draw.choice(list(TRICKS))
        body = {"model": "tiny", "messages": [{"role": "user", "content": "Hello"}]}
        body[field] = self.draw.choice(TRICKS[field])
        with contextlib.suppress(openai.BadRequestError):
            client.post("/chat/completions", body=body, cast_to=object)

    def _connect(self, client):
        address = urlsplit(str(client.base_url))
        return socket.create_connection((address.hostname, address.port), timeout=30)

    def odd_bytes(self, client):
        with self._connect(client) as connection:
            connection.sendall(self.draw.choice(ODD))
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass

    def half_a_request(self, client):
        """Begin, say a little more each time, and never come to the end."""
        for connection in self.open:
            with contextlib.suppress(OSError):  # the server need not wait for ever
                connection.sendall(b"X: y\r\n")
        connection = self._connect(client)
        connection.sendall(b"POST /v1/files HTTP/1.1\r\n")
        self.open.append(connection)
        if len(self.open) > MOST_OPEN_CONNECTIONS:
            self.open.pop(0).close()

    def leave(self, client):
        """Ask for a long answer, and go away at its beginning."""
        messages = [{"role": "user", "content": "Hello"}]
        with client.chat.completions.create(model="tiny", messages=messages, stream=True) as chat:
            next(chat)


class Memory:
    """The most that any process that answered HTTP has held, as Linux counts it."""

    def __init__(self):
        self.most = 0

    def look(self, server):
        status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
        (peak,) = (int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line)
        self.most = max(self.most, peak)


def kill_one(server, draw, did):
    """kill -9 of a trainer, of the child that answers, or of the server, which starts again."""
    victim = draw.choice(VICTIMS)
    found = children(server, victim)
    end_all(found)
    if victim == SERVER:
        server.kill()
        server.start()
    did[f"killed: {victim}"] += 1 if victim == SERVER else len(found)


def test_a_server_stands_mixed_work(start_server):
    draw = random.Random(0)
    server = start_server(environment={"PRACTICE_SERVER_KEY": KEY})
    neighbours = [Soaked(server, random.Random(number)) for number in range(NEIGHBOURS)]
    memory, did = Memory(), Counter()
    for neighbour in neighbours:
        neighbour.start()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        time.sleep(draw.uniform(2, 5))
        memory.look(server)
        kill_one(server, draw, did)
    for neighbour in neighbours:
        neighbour.stop()
        did.update(neighbour.did)
    jobs = [server.client.fine_tuning.jobs.retrieve(job) for n in neighbours for job in n.jobs]
    ends = Counter(server.wait(job).status for job in jobs)
    memory.look(server)
    print(f"\n{SECONDS:.0f} seconds:", dict(did), "jobs:", dict(ends), f"{memory.most} kB at most")
    assert [said for neighbour in neighbours for said in neighbour.complaints] == []
    for neighbour in neighbours:
        neighbour.check_files(server.client)
    assert set(ends) <= {"succeeded", "cancelled"}
    assert not rows(server, "SELECT id FROM jobs WHERE status NOT IN ('succeeded', 'cancelled')")
    assert memory.most < MOST_KILOBYTES
    assert SECONDS < 60 or all(did[f"killed: {victim}"] for victim in VICTIMS)
