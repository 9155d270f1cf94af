"""The table of routes: what the server does, and what the official package asks for."""

import re
import subprocess
import sys
from pathlib import Path

import httpx2
import openai
import pytest

ROOT = Path(__file__).resolve().parents[2]
# A call in the official package's source: its method and its path.
CALL = re.compile(r'self\._(get|post|delete|get_api_list)\(\s*(?:path_template\(\s*)?"(/[^"]*)"')
SOURCES = ["files.py", "uploads", "models.py", "completions.py", "fine_tuning", "chat/completions"]


def printed():
    """Method, path and whether it is served, of each line that the command prints."""
    command = [sys.executable, "-m", "practice_server", "routes"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["method", "path", "served", "differs"]
    return [tuple(line.split(maxsplit=3)[:3]) for line in lines]


TABLE = printed()


@pytest.mark.parametrize(("method", "path", "served"), TABLE)
def test_the_server_does_what_the_table_says(server, method, path, served):
    url = server.base_url.removesuffix("/v1") + re.sub(r"\{.*?\}", "x", path)
    headers = {"Authorization": f"Bearer {server.api_key}"}
    response = httpx2.request(method, url, headers=headers)
    if served == "no":
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (501, "not_served")
        assert f"does not serve {method} /v1/" in error["message"]
    else:
        assert response.status_code < 500 and response.status_code != 405
        assert "Invalid URL" not in response.text and "not_served" not in response.text


def without_names(path):
    return re.sub(r"\{.*?\}", "{}", path)


def test_the_table_has_every_call_of_the_official_package():
    resources = Path(openai.__file__).parent / "resources"
    sources = [
        source.read_text(encoding="utf-8")
        for name in SOURCES
        for source in [resources / name, *(resources / name).rglob("*.py")]
        if source.is_file()
    ]
    calls = {
        (method.replace("get_api_list", "get").upper(), f"/v1{without_names(path)}")
        for source in sources
        for method, path in CALL.findall(source)
    }
    assert len(calls) > 20
    assert calls <= {(method, without_names(path)) for method, path, _ in TABLE}
