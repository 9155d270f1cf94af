"""Connect to a fine-tuning service: the practice server on this machine, or a hosted one.

The practice server needs no key, and no key of yours is ever sent to it. A hosted service is used
only if you name it, in the call or in the environment variable FINE_TUNING_SERVICE.
"""

import contextlib
import getpass
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import openai

ROOT = Path(__file__).resolve().parent.parent
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
BINDER = ("BINDER_SERVICE_HOST", "BINDER_LAUNCH_HOST")  # variables that Binder sets
LONGEST_LOG = 1_000_000
ON_BINDER = (
    "You are on Binder. Never type a key here. Nothing is kept: "
    "binder/on_binder.ipynb makes a zip to take home, and brings it back."
)
# A child that outlives this process must stay referenced, or Python warns that it still runs.
_started: list[subprocess.Popen] = []


class CourseError(Exception):
    """Says what went wrong and what to do; a notebook shows it without the call stack."""

    def _render_traceback_(self) -> list[str]:
        """Called by IPython in place of its own traceback."""
        return [f"{type(self).__name__}: {self}"]


class ServiceError(CourseError):
    """A service cannot be reached, or what it needs is not set."""


@dataclass(frozen=True)
class Service:
    """A service that is ready to be asked; base_model is the one that the lessons fine-tune."""

    name: str
    client: openai.OpenAI
    base_model: str
    is_practice: bool


# The base URL (an environment variable stands in braces), the base model, and in which environment
# variable the key is. OpenAI shut down gpt-4.1-nano, the cheapest, on 2026-10-23; Azure goes on.
# From the services' guides of 2026: none of the three could be tried.
AZURE, NEBIUS = "{AZURE_OPENAI_ENDPOINT}/openai/v1", "https://api.tokenfactory.nebius.com/v1"
HOSTED = {
    "openai": ("https://api.openai.com/v1", "gpt-4.1-mini-2025-04-14", "OPENAI_API_KEY"),
    "azure": (AZURE, "gpt-4.1-nano-2025-04-14", "AZURE_OPENAI_API_KEY"),
    "nebius": (NEBIUS, "meta-llama/Llama-3.1-8B-Instruct", "NEBIUS_API_KEY"),
}


def connect(service: str | None = None, *, ask_for_key: bool = False) -> Service:
    """Return a service that is ready.

    service: "practice", "openai", "azure", "nebius" or the URL of a server with the same API.
    Without it the environment variable FINE_TUNING_SERVICE decides, and without that one the
    practice server is taken. It is started if none is running, and ends itself after an hour
    without work. FINE_TUNING_MODEL names another base model. ask_for_key: ask the person for a
    key that is not in the environment. Raises ServiceError if something is missing or unsafe.
    """
    name = (service or os.environ.get("FINE_TUNING_SERVICE") or "practice").strip()
    if name.lower() != "practice":
        return connect_hosted(name, ask_for_key)
    home = work_folder() / "practice"
    if os.environ.get("BINDER_LAUNCH_HOST"):
        print(ON_BINDER)
    client = running_server(home) or start_server(home)
    base_model = os.environ.get("FINE_TUNING_MODEL") or "pocket"
    return Service("practice", client, base_model, is_practice=True)


def work_folder() -> Path:
    """The folder for everything made while learning: FINE_TUNING_WORK, or work/ in the course."""
    return Path(os.environ.get("FINE_TUNING_WORK") or ROOT / "work").resolve()


# The practice server


def running_server(home: Path) -> openai.OpenAI | None:
    """Return a client for the server that holds `home`, if it answers.

    The file server.json may be left over from a server that has ended, and its port may by now
    belong to another program; so nothing is sent there unless a living server holds the folder.
    """
    if not is_held(home / "lock.sqlite3"):
        return None
    try:
        server = json.loads((home / "server.json").read_text(encoding="utf-8"))
        client = new_client(server["base_url"], server["api_key"])
        client.with_options(max_retries=0, timeout=5).models.list()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, openai.OpenAIError):
        return None  # no file, not the file we know, or no answer
    return client


def is_held(lock: Path) -> bool:
    """Whether a living server holds this lock; the system takes it from one that has ended."""
    try:
        place = f"{lock.as_uri()}?mode=ro"  # or a missing lock would be made
        with contextlib.closing(sqlite3.connect(place, uri=True, timeout=0)) as connection:
            connection.execute("SELECT name FROM sqlite_master")
    except sqlite3.Error as error:
        return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False


def start_server(home: Path) -> openai.OpenAI:
    """Start a practice server that outlives this process; return a client when it answers."""
    command = [sys.executable, "-m", "practice_server", "--home", str(home), "--idle", "60"]
    with open_log(home) as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"PYTHONSAFEPATH": ""},  # with it the package would not be found
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)
            | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    _started.append(process)
    return wait_until_ready(home, process)


def open_log(home: Path) -> IO[str]:
    """Open the server's log, in a folder for its owner only; raise ServiceError if none can be."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = home / "server.log"
        path.touch(mode=0o600)
        mode = "w" if path.stat().st_size > LONGEST_LOG else "a"
        return open(path, mode, encoding="utf-8")
    except OSError as error:
        raise ServiceError(
            f"The folder {home} cannot be used ({error.strerror}). Set the environment variable "
            "FINE_TUNING_WORK to a folder that you may write to."
        ) from error


def wait_until_ready(home: Path, process: subprocess.Popen) -> openai.OpenAI:
    """Wait for the server that was just started, or for that of another notebook.

    If two are started at the same time, the second one finds the folder taken, and ends.
    """
    patience = 30.0  # seconds; much less where ours has ended, and only another can answer
    while patience > 0:
        if client := running_server(home):
            return client
        patience -= 0.1 if process.poll() is None else 1.0
        time.sleep(0.1)
    log = home / "server.log"
    words = log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:]
    raise ServiceError(
        "\n".join([f"The practice server did not start. Its last words, from {log}:", *words])
        + "\nIf a package is missing: pip install -r requirements.txt. If the folder is damaged: "
        f"rename {home} and connect again; nothing in it is lost."
    )


# Hosted services


def connect_hosted(name: str, ask_for_key: bool) -> Service:
    """Return a client for a named hosted service or a URL, where its key would be safe."""
    known, short_name = HOSTED, name.lower()
    if name.startswith(("http://", "https://")):
        short_name = re.sub(r"\W+", "-", urlsplit(name).netloc.rpartition("@")[2])
        known = {short_name: (name, "", "FINE_TUNING_KEY")}
    if short_name not in known:
        raise ServiceError(f"No service {name!r}. Known: practice, {', '.join(HOSTED)}, or a URL.")
    base_url, base_model, key_variable = known[short_name]
    if not os.environ.keys().isdisjoint(BINDER) and urlsplit(base_url).hostname not in LOCAL_HOSTS:
        raise ServiceError(
            f"On Binder no key is safe: the computer is not yours. To use {name}, run the course "
            "on your own. The practice server needs no key."
        )
    if not base_model or os.environ.get("FINE_TUNING_MODEL"):
        base_model = variable("FINE_TUNING_MODEL", name)
    base_url = re.sub(r"\{(\w+)\}", lambda match: variable(match[1], name).rstrip("/"), base_url)
    client = new_client(base_url, variable(key_variable, name, ask=ask_for_key))
    return Service(short_name, client, base_model, is_practice=False)


def variable(name: str, service: str, *, ask: bool = False) -> str:
    """Return an environment variable that `service` needs, or what is typed in its place."""
    value = os.environ.get(name, "").strip()
    if ask and not value:
        value = getpass.getpass(f"{name} (neither shown nor stored): ").strip()
    if not value:
        raise ServiceError(
            f"To use {service}, set the environment variable {name} before you start Jupyter. "
            "Never write a key into a notebook. To practise without a key, unset "
            "FINE_TUNING_SERVICE."
        )
    return value


def new_client(base_url: str, api_key: str) -> openai.OpenAI:
    """Return the official client; only OpenAI gets the headers that the environment has for it."""
    options: dict[str, Any] = {}
    if base_url != HOSTED["openai"][0]:
        lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
        added = {line.partition(":")[0].strip() for line in lines} - {"Authorization"}
        none = dict.fromkeys(["OpenAI-Organization", "OpenAI-Project", *added], openai.Omit())
        options["default_headers"] = none | {"Authorization": f"Bearer {api_key}"}  # the last
    if urlsplit(base_url).hostname in LOCAL_HOSTS:
        options["http_client"] = openai.DefaultHttpxClient(trust_env=False)  # through no proxy
    return openai.OpenAI(base_url=base_url, api_key=api_key, **options)
