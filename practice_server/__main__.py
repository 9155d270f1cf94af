"""The command line: `python -m practice_server`, alone or with `routes` or `export MODEL`."""

from __future__ import annotations

import argparse
import contextlib
import logging
import math
import os
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from practice_server.app import create_app
from practice_server.engines.cluster import Cluster, ClusterUnusable, count_lanes
from practice_server.engines.engine import ModelUnusable
from practice_server.engines.model_folder import exporter_of
from practice_server.machine import limits
from practice_server.machine.children import PROJECT
from practice_server.machine.gpus import usable_gpus
from practice_server.machine.log import HourlyLimit
from practice_server.machine.network_drive import is_on_network_drive
from practice_server.routes import table
from practice_server.routes.services import Services
from practice_server.store.catalogue import SHIPPED, Catalogue, read_alias
from practice_server.store.database import Store
from practice_server.store.home import Home, HomeInUse
from practice_server.web.connections import CannotListen
from practice_server.web.guard import LOOPBACK
from practice_server.web.keys import (
    KEY_VARIABLE,
    SERVER,
    SHORTEST_KEY,
    BadKeys,
    Keys,
    read_keys,
    server_key,
)
from practice_server.web.rehearse import REHEARSALS
from practice_server.web.server import serve
from practice_server.web.webhook import SECRET_VARIABLE, BadWebhook, Webhook, read_webhook

MEGABYTE = 1_000_000
UNUSABLE = (
    "The {} cannot be used: {}. Put that right, or start with another --home. Nothing was deleted."
)
LOST = (
    "{home} has work of an earlier server, but {database} is gone. This one begins anew, and"
    " deletes nothing. If you have {database} elsewhere, stop the server and put it back."
)


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal, or idleness, ends it; or only print. Returns the exit status."""
    options = _options(arguments)
    if options.command == "routes":
        print(table.as_text(), end="")
        return 0
    if options.command == "export":
        return _export(options)
    try:
        api_key = server_key(os.environ.get(KEY_VARIABLE))
        learners = read_keys(options.keys, server_key=api_key) if options.keys else {}
        webhook = options.webhook and read_webhook(
            options.webhook,
            other_host=options.webhook_host,
            secret=os.environ.get(SECRET_VARIABLE),
        )
    except (BadKeys, BadWebhook) as error:
        print(error, file=sys.stderr)
        return 2
    if options.host not in LOOPBACK and not _may_let_others_in(options.host, learners):
        return 2
    os.umask(0o077)  # all that is written, by children too, is its owner's alone
    try:
        home = Home(options.home)
        home.make()
        with contextlib.closing(home.lock()):
            return _serve(options, home, api_key, learners, webhook)
    except HomeInUse as error:
        print(f"{error}. Use that one, or start this one with another --home.", file=sys.stderr)
    except (CannotListen, ClusterUnusable) as error:
        print(error, file=sys.stderr)
    except sqlite3.DatabaseError as error:
        print(UNUSABLE.format(f"database {home.database}", error), file=sys.stderr)
    except OSError as error:
        print(UNUSABLE.format(f"folder {options.home}", error), file=sys.stderr)
    return 1


def _export(options: argparse.Namespace) -> int:
    """Take a model of this server home, whoever made it."""
    if not options.model or not options.to:
        print("usage: python -m practice_server export MODEL --to DIR [--merged]", file=sys.stderr)
        return 2
    home = Home(options.home)
    if not home.database.is_file():
        home.make()
    catalogue = Catalogue(Store(home.database), home, options.models, dict(options.alias))
    model = catalogue.find(options.model, SERVER)
    try:
        if model is None:
            raise ModelUnusable("there is no such model")
        print(exporter_of(model.folder)(model.folder, options.to, merged=options.merged))
        return 0
    except (ModelUnusable, OSError) as error:
        print(f"The model {options.model} cannot be exported: {error}.", file=sys.stderr)
        return 1


def _may_let_others_in(host: str, learners: dict[str, str]) -> bool:
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
    options: argparse.Namespace,
    home: Home,
    api_key: str,
    learners: dict[str, str],
    webhook: Webhook | None,
) -> int:
    _begin_log()
    for code in options.rehearse:
        print(f"Rehearsed: {code}: {REHEARSALS[code]}.", file=sys.stderr)
    if home.has_lost_its_database():
        print(LOST.format(home=home.root, database=home.database.name), file=sys.stderr)
    cluster = Cluster(options.ray, options.ray_actors) if options.ray else None
    is_locked_out = "invalid_api_key" in options.rehearse
    app = create_app(
        home,
        journal_mode=options.journal_mode or _journal_mode(home),
        models_folder=options.models.resolve(),
        aliases=dict(options.alias),
        keys=Keys(server_key(None)) if is_locked_out else Keys(api_key, learners),
        host=options.host,
        lanes=_lanes(options.lanes, cluster),
        most_memory=options.memory and options.memory * MEGABYTE,
        rehearsed=options.rehearse,
        result_files=options.result_files,
        webhook=webhook,
        cluster=cluster,
    )
    services: Services = app.state.services
    for fault in services.catalogue.faults():
        print(fault, file=sys.stderr)
    if unknown := services.catalogue.unknown_aliased():
        print(f"--alias: there is no model {' or '.join(unknown)}.", file=sys.stderr)
        return 2
    serve(
        app,
        services.store,
        home,
        host=options.host,
        port=options.port,
        secrets={"api_key": api_key} | ({"webhook_secret": webhook.secret} if webhook else {}),
        idle_minutes=options.idle,
    )
    return 0


def _lanes(wanted: int | None, cluster: Cluster | None) -> limits.Lanes:
    """As many as the machine gives; of jobs that train elsewhere, as the cluster has room for.

    Raises ClusterUnusable.
    """
    n_processors = limits.usable_processors()
    if cluster is None:
        return limits.lanes_for(n_processors, wanted, usable_gpus())
    most = count_lanes(cluster)
    lanes = limits.lanes_for(n_processors, wanted)
    return replace(lanes, number=wanted or min(most, limits.MOST_LANES))


def _begin_log() -> None:
    log = logging.StreamHandler()
    log.addFilter(HourlyLimit())
    logging.basicConfig(handlers=[log], format="%(levelname)s %(name)s: %(message)s")


def _journal_mode(home: Home) -> str:
    """The write-ahead log is faster, but needs a disk of this machine."""
    return "delete" if is_on_network_drive(home.root) else "wal"


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m practice_server",
        description="OpenAI's fine-tuning API on this machine, with real training.",
        epilog="to rehearse:\n" + "".join(f"  {c:24}{what}\n" for c, what in REHEARSALS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    option = parser.add_argument
    option(
        "command",
        nargs="?",
        choices=("routes", "export"),
        help="routes: print which calls of the API are served; export: take a model home, to use"
        " it without this server; without it, serve",
    )
    option("model", nargs="?", metavar="MODEL", help="the name of the model to export")
    option("--to", type=Path, metavar="DIR", help="export: where to, a folder that is made")
    option("--merged", action="store_true", help="export: whole, its adapter in its weights")
    option("--home", type=Path, default=PROJECT / "work" / "practice", help="folder for all data")
    option("--port", type=_whole(0, 65_535), default=0, help="0 takes a free one")
    option("--host", default="127.0.0.1", help="address to listen on")
    option("--models", type=Path, default=SHIPPED, help="folder of base models")
    option("--keys", type=Path, metavar="FILE", help="a key for each learner; see the README")
    option(
        "--journal-mode",
        choices=("wal", "delete"),
        help="SQLite's journal; without it, delete on a network drive and wal elsewhere",
    )
    option("--lanes", type=_whole(1, 1000), metavar="N", help="how many jobs train at once")
    option("--ray", metavar="ADDRESS", help="train on the Ray cluster there; see docs/scale.md")
    option(
        "--ray-actors",
        type=_whole(1, 1000),
        default=1,
        metavar="N",
        help="how many of the cluster's processors or GPUs train one job together",
    )
    option("--memory", type=_whole(1, 10**9), metavar="MB", help="the most that training may take")
    option(
        "--idle",
        type=_minutes,
        metavar="MINUTES",
        help="end after that many without requests and jobs",
    )
    option(
        "--alias",
        type=read_alias,
        action="append",
        default=[],
        metavar="NAME=MODEL",
        help="let MODEL answer and train under NAME; may be given more than once",
    )
    option(
        "--result-files",
        choices=("plain", "base64"),
        default="plain",
        help="how the CSV of a job's metrics is sent; OpenAI has sent both",
    )
    option("--webhook", metavar="URL", help="tell a program at URL that a job has ended")
    option("--webhook-host", metavar="HOST", help="a host beyond this machine that URL may name")
    option(
        "--rehearse",
        choices=REHEARSALS,
        action="append",
        default=[],
        metavar="CODE",
        help="what a real service may do, see below; may be given more than once",
    )
    return parser.parse_args(arguments)


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number from {least} to {most}"
            )
        return int(text)

    return read


def _minutes(text: str) -> float:
    if not 0 < float(text) < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes above 0")
    return float(text)


if __name__ == "__main__":
    sys.exit(main())
