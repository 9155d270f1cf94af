"""Every lesson in JupyterLab, started by the README's own line, in a real browser.

Needs Playwright (requirements-dev.txt) and a browser: its own, or the Chromium of the machine.
The lessons are a copy, for JupyterLab saves what it runs.
"""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.surroundings import OPTIONAL, ROOT, stop_server

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed: see requirements-dev.txt"
)

# What needs optional packages trains a real model for minutes: nbval runs it, here it is left out.
LESSONS = sorted({path.name for path in (ROOT / "notebooks").glob("*.ipynb")} - OPTIONAL.keys())
NOT_COPIED = shutil.ignore_patterns(".*", "node_modules", "work", "__pycache__")
PATIENCE = 300  # seconds, for a machine that is busy with the other tests

READY = """() => {
    const lesson = window.jupyterapp?.shell?.currentWidget;
    const kernel = lesson?.sessionContext?.session?.kernel;
    return lesson?.sessionContext?.isReady && kernel?.connectionStatus === 'connected'
        && kernel.status === 'idle' && lesson.content.widgets.every(cell =>
            cell.model.type !== 'markdown' || cell.node.querySelector('.jp-RenderedMarkdown'));
}"""
# JupyterLab holds a run for finished at the first cell that is meant to fail. The kernel takes one
# request after the other: when an empty one is done, every cell is.
RUN_ALL = """async () => {
    window.lesson = jupyterapp.shell.currentWidget;
    await jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
    jupyterapp.commands.execute('notebook:run-all-cells').then(async () => {
        await lesson.sessionContext.session.kernel.requestExecute({code: '', silent: true}).done;
        window.finished = true;
    });
}"""
OPENED = "path => jupyterapp.shell.currentWidget?.context?.path === path && \
    jupyterapp.shell.currentWidget.context.isReady"
OVER_THE_LESSON = ".jp-Dialog, .Toastify__toast, .jp-RenderedMermaid.jp-mod-warning"


def readme_line() -> str:
    """The command that starts JupyterLab, without the steps before; one for every system."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = set(re.findall(r"[/\\](jupyter lab.*)$", text, re.MULTILINE))
    return line


def await_server(runtime: Path, process: subprocess.Popen) -> dict:
    """What a Jupyter server says of itself as soon as it listens: its address and its token."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            with contextlib.suppress(ValueError):  # it is being written
                return json.loads(path.read_text(encoding="utf-8"))
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start: {process.args}")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as started:
        own = Path(started.chromium.executable_path)
        found = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
        path = own if own.exists() else next(filter(None, found), None)
        if path is None:
            pytest.skip("no browser: python -m playwright install --with-deps chromium")
        yield started.chromium.launch(executable_path=path)


@pytest.fixture(scope="module")
def jupyterlab(browser, tmp_path_factory):
    """JupyterLab by the README's line, as it is on a machine that never ran one."""
    home = tmp_path_factory.mktemp("jupyterlab")
    shutil.copytree(ROOT, home / "course", ignore=NOT_COPIED)
    folders = {f"JUPYTER_{name}_DIR": str(home / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = shlex.split(readme_line())
    command[0] = str(Path(sys.executable).with_name(command[0]))
    process = subprocess.Popen(
        [*command, "--no-browser", "--allow-root", "--LabApp.expose_app_in_browser=True"],
        cwd=home / "course",
        env={**os.environ, **folders, "FINE_TUNING_WORK": str(home / "work")},
    )
    try:
        yield await_server(home / "RUNTIME", process)
    finally:
        process.terminate()
        process.wait()
        stop_server(home / "work")


@pytest.fixture
def page(browser):
    """A page of a browser that was never used; fails on whatever goes wrong in it."""
    page = browser.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(f"error in the page: {error}"))
    page.on("popup", lambda other: wrong.append(f"a window beside JupyterLab: {other.url}"))
    page.on("request", lambda sent: is_outside(sent.url) and wrong.append(sent.url))
    page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
    yield page
    wrong += page.locator(OVER_THE_LESSON).all_inner_texts()
    seen = list(wrong)
    page.evaluate("jupyterapp.serviceManager.sessions.shutdownAll()")
    page.close()
    assert seen == []


def is_outside(url: str) -> bool:
    return urlsplit(url).hostname not in (None, "localhost", "127.0.0.1")


def test_the_readme_s_line_opens_the_first_lesson(page, jupyterlab):
    page.goto(f"{jupyterlab['url']}?token={jupyterlab['token']}")
    page.wait_for_function(READY)
    opened = "[...jupyterapp.shell.widgets('main')].map(each => each.context?.path)"
    assert page.evaluate(opened) == [f"notebooks/{LESSONS[0]}"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_opens_runs_and_leads_on(lesson, page, jupyterlab):
    page.goto(f"{jupyterlab['url']}lab/tree/notebooks/{lesson}?reset&token={jupyterlab['token']}")
    page.wait_for_function(READY)
    assert page.locator("#jp-main-dock-panel .jp-mod-dirty").count() == 0, "unsaved when opened"
    run_all(page)
    follow_links(page)


def run_all(page):
    """Run the lesson; a cell may fail only if it is tagged so."""
    page.evaluate(RUN_ALL)
    page.wait_for_function("window.finished")
    for cell in page.evaluate("lesson.content.model.toJSON().cells"):
        if cell["cell_type"] == "code":
            assert cell["execution_count"], f"did not run: {cell['source']}"
            failed = [each for each in cell["outputs"] if each["output_type"] == "error"]
            assert not failed or "raises-exception" in cell["metadata"].get("tags", [])


def follow_links(page):
    """Click each link to a file of the course; it has to open in JupyterLab."""
    links = page.locator(".jp-MarkdownCell a[href*='/files/']").all()
    assert links
    for link in links:
        path = unquote(urlsplit(link.get_attribute("href")).path).partition("/files/")[2]
        print("link:", path)  # shown only where it fails
        link.evaluate("link => link.click()")
        page.wait_for_function(OPENED, arg=path, timeout=60_000)
        page.evaluate("jupyterapp.shell.activateById(lesson.id)")
