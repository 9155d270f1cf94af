"""The command line: `python -m practice_server`, and `python -m practice_server routes`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import secrets
import signal
import socket
import sqlite3
import sys
from pathlib import Path

import uvicorn

from practice_server import processors
from practice_server.app import create_app
from practice_server.catalogue import SHIPPED
from practice_server.children import PROJECT
from practice_server.connections import CannotListen, Connection, Listener, listen
from practice_server.guard import LOOPBACK
from practice_server.home import Home, HomeInUse
from practice_server.idle import Activity
from practice_server.keys import SHORTEST_KEY, BadKeys, Keys, read_keys
from practice_server.log import HourlyLimit
from practice_server.network_drive import is_on_network_drive
from practice_server.routes import table

KEY_VARIABLE = "PRACTICE_SERVER_KEY"
MEGABYTE = 1_000_000
SECONDS_FOR_OPEN_REQUESTS = 2


class Server(uvicorn.Server):
    """Says when it is ready, and takes back what it said when it ends."""

    def __init__(self, config: uvicorn.Config, home: Home, api_key: str) -> None:
        super().__init__(config)
        self._home = home
        self._api_key = api_key

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        listening = listen(self.config.host, self.config.port)
        await super().startup(sockets=[])
        if self.started:
            connections = self.server_state.connections
            self.servers = [Listener(listening, self._new_connection, connections)]
            base_url = self._base_url()
            self._home.announce(base_url=base_url, api_key=self._api_key)
            print(f"practice server ready: {base_url}", flush=True)

    def _new_connection(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)

    def _base_url(self) -> str:
        port = self.servers[0].sockets[0].getsockname()[1]
        host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
        return f"http://{host}:{port}/v1"

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._home.server_file.unlink(missing_ok=True)
        await super().shutdown(sockets)


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal, or idleness, ends it; or only print. Returns the exit status."""
    options = _options(arguments)
    if options.command == "routes":
        print(table.as_text(), end="")
        return 0
    api_key = os.environ.get(KEY_VARIABLE) or f"sk-practice-{secrets.token_urlsafe(24)}"
    try:
        learners = read_keys(options.keys, server_key=api_key) if options.keys else {}
    except BadKeys as error:
        print(error, file=sys.stderr)
        return 2
    if options.host not in LOOPBACK and not _may_leave_this_machine(options.host, learners):
        return 2
    try:
        home = Home(options.home)
        lock = home.lock()
    except HomeInUse as error:
        print(f"{error}. Use that one, or start this one with another --home.", file=sys.stderr)
        return 1
    try:
        _serve(options, home, api_key, learners)
    except CannotListen as error:
        print(error, file=sys.stderr)
        return 1
    except sqlite3.DatabaseError as error:
        print(f"The database {home.database} cannot be used: {error}.", file=sys.stderr)
        return 1
    finally:
        lock.close()
    return 0


def _may_leave_this_machine(host: str, learners: dict[str, str]) -> bool:
    """Whether a person has given keys, all long enough for other machines to try them.

    Either way it is told what that means.
    """
    given = os.environ.get(KEY_VARIABLE)
    is_safe = len(given) >= SHORTEST_KEY if given else bool(learners)
    if is_safe:
        message = (
            f"Whoever can reach {host} and has a key can use this server. What goes to and fro is"
            " not encrypted."
        )
    else:
        message = (
            f"--host {host} lets other machines in. Set {KEY_VARIABLE} to a random key of at least"
            f" {SHORTEST_KEY} characters first, or give --keys."
        )
    print(message, file=sys.stderr)
    return is_safe


def _serve(
    options: argparse.Namespace, home: Home, api_key: str, learners: dict[str, str]
) -> None:
    log = logging.StreamHandler()
    log.addFilter(HourlyLimit())
    logging.basicConfig(handlers=[log], format="%(levelname)s %(name)s: %(message)s")
    app = create_app(
        home,
        journal_mode=options.journal_mode or _journal_mode(home),
        models_folder=options.models.resolve(),
        aliases=dict(options.alias),
        keys=Keys(api_key, learners),
        host=options.host,
        share=processors.share(processors.usable(), options.lanes),
        most_memory=options.memory and options.memory * MEGABYTE,
    )
    for fault in app.state.services.catalogue.faults():
        print(fault, file=sys.stderr)
    activity = Activity()
    server = Server(_listening(options, activity.watching(app)), home, api_key)
    asyncio.run(_run(server, activity, options.idle, app.state.services.store))


def _listening(options: argparse.Namespace, app) -> uvicorn.Config:
    """How HTTP is served: plainly, and with nothing of a request in a log."""
    return uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=SECONDS_FOR_OPEN_REQUESTS,
    )


def _journal_mode(home: Home) -> str:
    """The write-ahead log is faster, but needs a disk of this machine."""
    return "delete" if is_on_network_drive(home.root) else "wal"


async def _run(server: Server, activity: Activity, idle_minutes: float | None, store) -> None:
    # The server ends itself on these signals, and afterwards raises them once more.
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: None)
    watching = None
    if idle_minutes is not None:

        def end() -> None:
            server.should_exit = True

        watching = asyncio.create_task(activity.end_when_idle(idle_minutes * 60, store, end))
    await server.serve()
    if watching:
        watching.cancel()


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m practice_server",
        description="OpenAI's fine-tuning API on this machine, with real training.",
    )
    option = parser.add_argument
    option(
        "command",
        nargs="?",
        choices=("routes",),
        help="print which calls of the API are served, and end; without it, serve",
    )
    option("--home", type=Path, default=PROJECT / "work" / "practice", help="folder for all data")
    option("--port", type=int, default=0, help="0 takes a free one")
    option("--host", default="127.0.0.1", help="address to listen on")
    option("--models", type=Path, default=SHIPPED, help="folder of base models")
    option("--keys", type=Path, metavar="FILE", help="a key for each learner; see the README")
    option(
        "--journal-mode",
        choices=("wal", "delete"),
        help="SQLite's journal; without it, delete on a network drive and wal elsewhere",
    )
    option("--lanes", type=_positive, metavar="N", help="how many jobs train at the same time")
    option("--memory", type=_positive, metavar="MB", help="the most that training may take")
    option("--idle", type=float, metavar="MINUTES", help="end after so long without use")
    option(
        "--alias",
        type=_alias,
        action="append",
        default=[],
        metavar="NAME=MODEL",
        help="let MODEL answer to NAME too; may be given more than once",
    )
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _alias(text: str) -> tuple[str, str]:
    name, separator, model = text.partition("=")
    if not (name and separator and model):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=MODEL")
    return name, model


if __name__ == "__main__":
    sys.exit(main())
