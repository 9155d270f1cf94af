"""The practice server's README names tests; they must be there."""

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
README = HERE.parents[1] / "practice_server" / "README.md"


def test_every_test_that_the_readme_names_is_there():
    named = set(re.findall(r"`(test_\w+)`", README.read_text(encoding="utf-8")))
    texts = [path.read_text(encoding="utf-8") for path in HERE.glob("test_*.py")]
    there = set(re.findall(r"^def (test_\w+)", "\n".join(texts), re.MULTILINE))
    assert named and named <= there, named - there
