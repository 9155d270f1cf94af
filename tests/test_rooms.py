"""The folders of the practice server lie in an order: each imports only those below it."""

import ast
from pathlib import Path

import pytest

SERVER = Path(__file__).resolve().parents[1] / "practice_server"
UPWARD = ["machine", "engines", "store", "formats", "web", "training", "asking", "routes"]


def imports(file):
    """The parts of each name that a file imports from the server, without the first."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        yield from (name.split(".")[1:] for name in names if name.startswith("practice_server."))


@pytest.mark.parametrize("folder", UPWARD)
def test_no_folder_imports_a_higher_one(folder):
    below = UPWARD[: UPWARD.index(folder) + 1]
    found = {
        file.name: {name[0] for name in imports(file)} for file in (SERVER / folder).rglob("*.py")
    }
    assert any(found.values()) or folder == "machine"
    assert {name: used - set(below) for name, used in found.items() if used - set(below)} == {}


@pytest.mark.parametrize(
    ("name", "knowing"), [("numpy_engine", {"pretraining"}), ("transformers_engine", set())]
)
def test_only_an_engine_knows_itself(name, knowing):
    """All else asks `engine_of`; the program that made the base model is about one engine."""
    engine = SERVER / "engines" / name
    others = (path for path in SERVER.rglob("*.py") if path.parent != engine)
    found = {path for path in others if any(name in imported for imported in imports(path))}
    assert {path.relative_to(SERVER).parts[0] for path in found} == knowing


def test_ray_is_imported_only_where_it_is_asked_for():
    """In one file, which one function imports when a job trains on a cluster."""
    sources = {path: ast.parse(path.read_text(encoding="utf-8")) for path in SERVER.rglob("*.py")}
    own = {path.name for path in sources if any("on_ray" in name for name in imports(path))}
    assert own == {"train_job.py"}
    at_the_top = [node for node in sources[SERVER / "training/train_job.py"].body]
    assert not [node for node in at_the_top if "on_ray" in (getattr(node, "module", "") or "")]


def test_every_folder_of_programs_has_its_place():
    folders = {path.parent.name for path in SERVER.glob("*/__init__.py")}
    assert folders == {*UPWARD, "pretraining"}
