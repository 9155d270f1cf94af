"""The server's side of answering: it starts the child that generates, and passes answers on."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from typing import Any

from practice_server.machine import children
from practice_server.web.errors import ApiError

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 2
Part = dict[str, Any]
Parts = asyncio.Queue[Part | None]


class Child:
    """One answering process, and who waits for what it says."""

    def __init__(self, process: Process) -> None:
        assert process.stdin and process.stdout  # pipes, since it was started to give answers
        self.process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._waiting: dict[int, Parts] = {}
        self._reader = asyncio.create_task(self._read())

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None and not self._reader.done()

    @property
    def is_idle(self) -> bool:
        return not self._waiting

    async def end(self) -> None:
        await children.end(self.process)
        await self._reader

    async def ask(self, number: int, question: dict[str, Any]) -> AsyncIterator[Part]:
        """Parts until the answer's end, or fewer if the process dies."""
        parts = self._waiting[number] = Parts()
        finished = False
        self._send({"id": number, **question})
        try:
            while not finished and (part := await parts.get()):
                finished = "finish_reason" in part or "refused" in part
                yield part
        finally:
            del self._waiting[number]
            if not finished:
                self._send({"cancel": number})

    def _send(self, message: dict[str, Any]) -> None:
        if self.is_alive:
            self._stdin.write(json.dumps(message).encode() + b"\n")

    async def _read(self) -> None:
        """Pass parts on as long as the process lives; then nobody waits any more."""
        try:
            # A process that was killed in the middle of a line has said nothing with it.
            while (line := await self._stdout.readline()).endswith(b"\n"):
                part = json.loads(line)
                if part["id"] in self._waiting:
                    self._waiting[part["id"]].put_nowait(part)
        except Exception:
            log.exception("what the answering process says cannot be understood; it is ended")
            children.kill(self.process)
        await self.process.wait()
        log.info("the answering process has ended")
        for parts in self._waiting.values():
            parts.put_nowait(None)


class Answers:
    """Answers from one child, which starts with the first question and again if it dies."""

    def __init__(self, threads: int) -> None:
        """`threads`: how many the child has."""
        self._threads = threads
        self._numbers = itertools.count(1)
        self._child: Child | None = None
        self._starting = asyncio.Lock()

    async def stop(self) -> None:
        if self._child:
            await self._child.end()

    async def make_room(self) -> None:
        """End the child if nobody waits for it: a job needs the memory that its models hold."""
        async with self._starting:
            if self._child and self._child.is_idle:
                await self._child.end()

    async def ask(self, question: dict[str, Any]) -> AsyncIterator[Part]:
        """The parts of an answer; see `practice_server.asking.answering` for both.

        Raises ApiError: 400 if the model refuses the question, 500 if the child dies twice, or
        dies when a part of the answer has been given out already.
        """
        for _ in range(MOST_ATTEMPTS):
            child = await self._living_child()
            part = None
            async for part in child.ask(next(self._numbers), question):
                if "refused" in part:
                    raise _refusal(part["refused"], question)
                yield part
            if part:
                break
        if part is None or "finish_reason" not in part:
            message = "The process that answers has ended unexpectedly. Please try again."
            raise ApiError(500, message, type="server_error")

    async def _living_child(self) -> Child:
        async with self._starting:
            if self._child is None or not self._child.is_alive:
                process = await children.start(
                    "practice_server.asking.answering", threads=self._threads, answers=True
                )
                self._child = Child(process)
        return self._child


def _refusal(refused: dict[str, Any], question: dict[str, Any]) -> ApiError:
    if refused["code"] in ("model_not_found", "model_not_available"):
        return ApiError(404, refused["message"], param="model", code=refused["code"])
    param = refused["param"] or ("prompt" if "prompt" in question else "messages")
    return ApiError(400, refused["message"], param=param, code=refused["code"])
