"""Somebody who works with a server all the time, and remembers what it has acknowledged."""

import hashlib
import threading
from collections import Counter

import httpx2
import openai

KEY = "the-same-after-each-start"


class Neighbour(threading.Thread):
    """Uploads and chats until it is stopped; a server that is gone is no reason to complain."""

    def __init__(self, server, draw):
        super().__init__(daemon=True)
        self.server = server
        self.draw = draw
        self._client = openai.OpenAI(api_key=KEY, max_retries=0)
        self.stopping = threading.Event()
        self.files = {}
        self.did = Counter()
        self.complaints = []

    def works(self):
        """What it may do next; each takes a client of the server as it now runs."""
        return (self.upload, self.upload_in_parts, self.chat)

    def run(self):
        while not self.stopping.wait(0.01):
            client = self._client.with_options(base_url=self.server.base_url)
            work = self.draw.choice(self.works())
            try:
                work(client)
                self.did[work.__name__] += 1
            except (openai.APIConnectionError, httpx2.TransportError, ConnectionError):
                pass  # the server has been killed
            except Exception as error:
                if "ended unexpectedly. Please try again" not in str(error):
                    self.complaints.append(repr(error))

    def stop(self):
        self.stopping.set()
        self.join()

    def _content(self):
        lines = range(self.draw.randrange(1, 20_000))
        return "".join(f'{{"line": {line}, "of": {len(lines)}}}\n' for line in lines).encode()

    def upload(self, client):
        content = self._content()
        kept = client.files.create(file=("a.jsonl", content), purpose="fine-tune")
        self.files[kept.id] = hashlib.sha256(content).hexdigest()

    def upload_in_parts(self, client):
        content = self._content()
        middle = self.draw.randrange(len(content))
        upload = client.uploads.create(
            bytes=len(content), filename="b.jsonl", mime_type="text/jsonl", purpose="fine-tune"
        )
        parts = [
            client.uploads.parts.create(upload.id, data=piece).id
            for piece in (content[:middle], content[middle:])
        ]
        done = client.uploads.complete(upload.id, part_ids=parts)
        self.files[done.file.id] = hashlib.sha256(content).hexdigest()

    def chat(self, client):
        messages = [{"role": "user", "content": "Hello"}]
        *_, last = client.chat.completions.create(
            model="tiny", messages=messages, max_tokens=40, stream=True
        )
        assert last.choices[0].finish_reason, "an answer without an end"

    def check_files(self, client):
        """All that was acknowledged, and not deleted since, is there with the bytes it had."""
        for file, known in list(self.files.items()):
            content = client.files.content(file).read()
            assert hashlib.sha256(content).hexdigest() == known, file
