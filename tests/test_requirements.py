"""What is imported is in the requirements: nothing comes only because something else needs it."""

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("helpers", "practice_server", "notebooks", "tests", "data", "docs", "binder")
NAMES = {"yaml": "pyyaml"}
IN_DEVELOPMENT = ("practice_server/pretraining", "tests/benchmarks")
# Where real models are: imported only if a model folder asks for it.
WITH_REAL_MODELS = (
    "practice_server/engines/transformers_engine",
    "tests/transformers_engine",
    "tests/server_transformers",
    "tests/transformers_model.py",
)
OTHER_CLIENTS = "tests/clients"  # have requirements of their own
WITH_TRL = "tests/benchmarks/with_trl.py"


def python_files():
    yield ROOT / "conftest.py"
    for name in FOLDERS:
        for path in (ROOT / name).rglob("*.py"):
            if not path.is_relative_to(ROOT / OTHER_CLIENTS):
                yield path


def declared(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    return {line.replace("-", "_").lower() for line in re.findall(r"^([\w-]+)==", text, re.M)}


def imported(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        yield from (name.split(".")[0] for name in names)


def test_what_is_imported_is_declared():
    files = {path.relative_to(ROOT).as_posix(): path for path in python_files()}
    own = {*FOLDERS, *(path.stem for path in files.values())} | sys.stdlib_module_names
    course, real_models = declared("requirements.txt"), declared("requirements-transformers.txt")
    development = declared("requirements-dev.txt") | real_models
    trl = declared("tests/benchmarks/against_trl.txt")
    for place, path in files.items():
        known = course | development if place.startswith(IN_DEVELOPMENT) else course
        known = known | real_models if place.startswith(WITH_REAL_MODELS) else known
        known = known | trl if place == WITH_TRL else known
        found = {NAMES.get(name, name).lower() for name in set(imported(path)) - own}
        assert found <= known, (place, found - known)
