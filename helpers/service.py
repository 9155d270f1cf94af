"""Connect to a fine-tuning service: the practice server on this machine, or a hosted one.

Without being told otherwise, `connect` uses the practice server. It needs no key, and no key of
yours is ever sent to it. A hosted service is used only if you name it, in the call or in the
environment variable FINE_TUNING_SERVICE.
"""

import collections
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import openai

ROOT = Path(__file__).resolve().parent.parent
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
PRACTICE_MODEL = "pocket"
START_SECONDS = 30
IDLE_MINUTES = 60
# How long the other notebook's server may still take when ours has found the folder taken.
GRACE_SECONDS = 3
LONGEST_LOG = 1_000_000
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
    """A fine-tuning service that is ready to be asked.

    client is an ordinary `openai.OpenAI`; base_model is the model that the lessons fine-tune.
    """

    name: str
    client: openai.OpenAI
    base_model: str
    is_practice: bool


@dataclass(frozen=True)
class Hosted:
    """How to reach a hosted service; base_url may name an environment variable in braces."""

    base_url: str
    key_variable: str
    base_model: str | None


HOSTED = {
    # gpt-4.1-nano, the cheapest, was shut down by OpenAI on 2026-10-23; on Azure it goes on.
    "openai": Hosted("https://api.openai.com/v1", "OPENAI_API_KEY", "gpt-4.1-mini-2025-04-14"),
    "azure": Hosted(
        "{AZURE_OPENAI_ENDPOINT}/openai/v1", "AZURE_OPENAI_API_KEY", "gpt-4.1-nano-2025-04-14"
    ),
    "nebius": Hosted(
        "https://api.tokenfactory.nebius.com/v1",
        "NEBIUS_API_KEY",
        "meta-llama/Llama-3.1-8B-Instruct",
    ),
}


def connect(service: str | None = None) -> Service:
    """Return a service that is ready.

    service: "practice", "openai", "azure", "nebius" or the URL of a server with the same API.
    Without it the environment variable FINE_TUNING_SERVICE decides, and without that one the
    practice server is taken. It is started if none is running, and ends itself after an hour
    without work. FINE_TUNING_MODEL names another base model.

    Raises ServiceError if the practice server does not start, or a key is missing.
    """
    name = (service or os.environ.get("FINE_TUNING_SERVICE") or "practice").strip()
    if name.lower() == "practice":
        return connect_practice(work_folder() / "practice")
    return connect_hosted(name)


def work_folder() -> Path:
    """The folder for everything made while learning: FINE_TUNING_WORK, or work/ in the course."""
    return Path(os.environ.get("FINE_TUNING_WORK") or ROOT / "work").resolve()


# The practice server


def connect_practice(home: Path) -> Service:
    """Return the practice server of the folder `home`; start it if it does not run."""
    client = running_server(home) or start_server(home)
    base_model = os.environ.get("FINE_TUNING_MODEL") or PRACTICE_MODEL
    return Service("practice", client, base_model, is_practice=True)


def running_server(home: Path) -> openai.OpenAI | None:
    """Return a client for the server that `home`/server.json names, if it knows the key there.

    The file may be left over from a server that has ended, and its port may by now belong to
    another program; so only a list of models, in answer to this key, counts.
    """
    try:
        server = json.loads((home / "server.json").read_text(encoding="utf-8"))
        client = new_client(server["base_url"], server["api_key"])
        answer = client.with_options(max_retries=0, timeout=5).models.list()
    except (OSError, ValueError, LookupError, TypeError, AttributeError, openai.OpenAIError):
        return None  # no file, not the file we know, or nobody who knows the key
    return client if hasattr(answer, "data") else None


def start_server(home: Path) -> openai.OpenAI:
    """Start a practice server that outlives this process; return a client when it answers."""
    make_folder(home)
    command = [sys.executable, "-m", "practice_server"]
    command += ["--home", str(home), "--idle", str(IDLE_MINUTES)]
    with open(home / "server.log", "a", encoding="utf-8") as log:
        if log.tell() > LONGEST_LOG:
            log.truncate(0)
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            **outliving(),
        )
    _started.append(process)
    return wait_until_ready(home, process)


def make_folder(path: Path) -> None:
    """Make a folder, if need be; raise ServiceError if it cannot be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ServiceError(
            f"The folder {path} cannot be made ({error.strerror}). Set the environment variable "
            "FINE_TUNING_WORK to a folder that you may write to."
        ) from error


def outliving() -> dict:
    """The options of Popen for a program that goes on when the notebook's kernel ends."""
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        return {"creationflags": flags}
    return {"start_new_session": True}


def wait_until_ready(home: Path, process: subprocess.Popen) -> openai.OpenAI:
    """Wait for the server that has just been started, or for one that was faster.

    If two notebooks start one at the same time, the second server finds the folder taken and
    ends; then the first one's answer is as good.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if client := running_server(home):
            return client
        if process.poll() is not None:
            deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
        time.sleep(0.1)
    raise ServiceError(
        f"The practice server did not start. Its last words, from {home / 'server.log'}:\n"
        f"{last_lines(home / 'server.log')}\n"
        "If a package is missing: pip install -r requirements.txt. If the folder is damaged: "
        f"delete {home} and connect again; what was trained there is lost."
    )


def last_lines(path: Path, count: int = 8) -> str:
    """Return the last lines of a text file."""
    with open(path, encoding="utf-8", errors="replace") as file:
        return "".join(collections.deque(file, maxlen=count)).rstrip()


# Hosted services


def connect_hosted(name: str) -> Service:
    """Return a client for a named hosted service or a URL; its key is in the environment."""
    is_url = name.startswith(("http://", "https://"))
    hosted = Hosted(name, "FINE_TUNING_KEY", None) if is_url else HOSTED.get(name.lower())
    if hosted is None:
        known = ", ".join(["practice", *HOSTED])
        raise ServiceError(f"There is no service {name!r}. Known are {known}, or a URL.")
    base_model = os.environ.get("FINE_TUNING_MODEL") or hosted.base_model
    if not base_model:
        raise ServiceError(
            f"Which model does {name} fine-tune? Set the environment variable FINE_TUNING_MODEL."
        )
    base_url = re.sub(r"\{(\w+)\}", lambda match: variable(match[1], name), hosted.base_url)
    client = new_client(base_url, variable(hosted.key_variable, name))
    short_name = re.sub(r"\W+", "-", urlsplit(name).netloc) if is_url else name.lower()
    return Service(short_name, client, base_model, is_practice=False)


def variable(name: str, service: str) -> str:
    """Return an environment variable that `service` needs."""
    value = os.environ.get(name, "").strip().rstrip("/")
    if not value:
        raise ServiceError(
            f"To use {service}, set the environment variable {name} before you start Jupyter. "
            "Never write a key into a notebook. To practise without a key, unset "
            "FINE_TUNING_SERVICE."
        )
    return value


def new_client(base_url: str, api_key: str) -> openai.OpenAI:
    """Return the official client; on this machine no proxy stands between it and the server."""
    if urlsplit(base_url).hostname not in LOCAL_HOSTS:
        return openai.OpenAI(base_url=base_url, api_key=api_key)
    direct = openai.DefaultHttpxClient(trust_env=False)
    return openai.OpenAI(base_url=base_url, api_key=api_key, http_client=direct)
