"""Which models there are, and in which folder each lies.

Base models are the folders that hold a model's files; fine-tuned models and checkpoints come from
the store. A folder is always found by a name listed here, never made from a request.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from practice_server.engines.engine import ModelUnusable
from practice_server.engines.model_folder import (
    CONFIG_FILE,
    check_model_folder,
    folders_of_models,
    raising_model_unusable,
    read_json,
)
from practice_server.store import checkpoints
from practice_server.store.database import Store
from practice_server.store.home import Home
from practice_server.store.objects import Object
from practice_server.store.tables import CheckpointRow

SHIPPED = Path(__file__).parents[1] / "base_models"
DATE = re.compile(r"-(\d{4}-\d{2}-\d{2}|\d{4})$")  # of a snapshot: gpt-4o-mini-2024-07-18


def read_alias(text: str) -> tuple[str, str]:
    """The two names in NAME=MODEL, as the command line has them."""
    name, _, model = text.partition("=")
    if not (name and model):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=MODEL")
    return name, model


@dataclass(frozen=True)
class Model:
    """A model that can answer and be trained further."""

    id: str
    folder: Path
    created: int
    owned_by: str
    aliases: tuple[str, ...] = ()
    checkpoint_id: str | None = None

    def as_object(self) -> Object:
        """The model as the API shows it."""
        return {
            "id": self.id,
            "object": "model",
            "created": self.created,
            "owned_by": self.owned_by,
            "shutdown_date": None,
        }


class Catalogue:
    """The models of one server."""

    def __init__(
        self, store: Store, home: Home, folder: Path, aliases: Mapping[str, str] | None = None
    ) -> None:
        """`folder` holds the base models; `aliases` are names, each with the model behind it."""
        self._store = store
        self._home = home
        self._folder = folder
        self._aliases = dict(aliases or {})

    def all(self, owner: str) -> list[Model]:
        """The base models, which all share, the aliases, and the owner's own."""
        aliased = filter(None, (self.find(name, owner) for name in self._aliases))
        tuned = (self._tuned(row) for row in checkpoints.published(self._store, owner))
        return [*self._base_models(), *aliased, *tuned]

    def find(self, name: str, owner: str) -> Model | None:
        """The model that is called `name`, or the one behind this alias; None if there is none.

        A model behind an alias bears the alias as its name: a client that knows only OpenAI's
        models finds in jobs and answers what it asked for.
        """
        name = self._dated(name)
        behind = self._aliases.get(name) or self._aliases.get(DATE.sub("", name))
        row = checkpoints.find_by_name(self._store, behind or name, owner)
        model = self._tuned(row) if row else self._base_model(behind or name)
        return replace(model, id=name) if model and behind else model

    def _dated(self, name: str) -> str:
        """`name`, or for a family such as gpt-4o-mini the snapshot of it that is an alias."""
        snapshots = [alias for alias in self._aliases if DATE.sub("", alias) == name != alias]
        return name if name in self._aliases or not snapshots else snapshots[-1]

    def advice(self, name: str) -> str:
        """What would let a base model answer to `name`, to be put behind "does not exist"."""
        base = next((alias for m in self._base_models() for alias in (*m.aliases, m.id)), None)
        if base is None or name.startswith("ft:") or not re.fullmatch(r"[\w.:-]{1,64}", name):
            return ""
        return f" Start the practice server with --alias {name}={base} to let {base} answer to it."

    def _base_model(self, name: str) -> Model | None:
        return next((m for m in self._base_models() if name == m.id or name in m.aliases), None)

    def unknown_aliased(self) -> list[str]:
        """The models that have aliases, but are not there. A fine-tuned one may come later."""
        models = (model for model in self._aliases.values() if not model.startswith("ft:"))
        return [model for model in models if self._base_model(model) is None]

    def _base_models(self) -> Iterator[Model]:
        return filter(None, map(_base_model, folders_of_models(self._folder)))

    def faults(self) -> list[str]:
        """A sentence for each base model that cannot be used, or one if there is none at all."""
        folders = folders_of_models(self._folder)
        if not folders:
            return [f"There is no base model in {self._folder}."]
        return list(filter(None, map(_fault, folders)))

    def _tuned(self, row: CheckpointRow) -> Model:
        return Model(
            id=row["name"],
            folder=self._home.model(row["id"]),
            created=row["created_at"],
            owned_by=checkpoints.ORGANIZATION,
            checkpoint_id=row["id"],
        )


def _base_model(folder: Path) -> Model | None:
    """None if the folder says nothing of the model; `faults` has told why."""
    try:
        with raising_model_unusable(folder):
            config = folder / CONFIG_FILE
            return Model(
                id=folder.name,
                folder=folder,
                created=int(config.stat().st_mtime),
                owned_by="practice-server",
                aliases=tuple(read_json(config).get("practice", {}).get("aliases", ())),
            )
    except (ModelUnusable, FileNotFoundError):
        return None


def _fault(folder: Path) -> str | None:
    try:
        check_model_folder(folder)
    except (ModelUnusable, FileNotFoundError) as error:
        return f"The base model {folder.name} in {folder.parent} cannot be used: {error}."
    return None
