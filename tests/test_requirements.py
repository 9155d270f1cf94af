"""What is imported is in the requirements: nothing comes only because something else needs it."""

import ast
import re
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("helpers", "practice_server", "notebooks", "tests", "data", "docs", "binder")
NAMES = {"yaml": "pyyaml"}
# What is imported beside the course's own, and which list has it.
ALSO = {
    "practice_server/pretraining": "requirements-dev.txt",
    "tests/benchmarks": "requirements-dev.txt",
    "practice_server/engines/transformers_engine": "requirements-transformers.txt",
    "tests/transformers_engine": "requirements-transformers.txt",
    "tests/server_transformers": "requirements-transformers.txt",
    "tests/transformers_model.py": "requirements-transformers.txt",
    "practice_server/engines/on_ray.py": "requirements-ray.txt",
    "tests/cluster": "requirements-ray.txt",
    "tests/benchmarks/with_trl.py": "tests/benchmarks/against_trl.txt",
}
OTHER_CLIENTS = "tests/clients"  # have requirements of their own


def python_files():
    yield ROOT / "conftest.py"
    for name in FOLDERS:
        for path in (ROOT / name).rglob("*.py"):
            if not path.is_relative_to(ROOT / OTHER_CLIENTS):
                yield path


@cache
def declared(name):
    """What a list has, and the lists that it takes in."""
    text = (ROOT / name).read_text(encoding="utf-8")
    names = {line.replace("-", "_").lower() for line in re.findall(r"^([\w-]+)==", text, re.M)}
    return names.union(*map(declared, re.findall(r"^-r (\S+)", text, re.M)))


def imported(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        yield from (name.split(".")[0] for name in names)


def test_what_is_imported_is_declared():
    files = {path.relative_to(ROOT).as_posix(): path for path in python_files()}
    own = {*FOLDERS, *(path.stem for path in files.values())} | sys.stdlib_module_names
    for place, path in files.items():
        lists = [name for beginning, name in ALSO.items() if place.startswith(beginning)]
        known = set().union(*map(declared, ["requirements.txt", *lists]))
        found = {NAMES.get(name, name).lower() for name in set(imported(path)) - own}
        assert found <= known, (place, found - known)
