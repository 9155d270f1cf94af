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

from tests.surroundings import ROOT, stop_server

playwright = pytest.importorskip(
    "playwright.sync_api", reason="Playwright is not installed: see requirements-dev.txt"
)

LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
# nbval runs every lesson. Run here too are the first, one that prints all that lessons print, and
# one that starts servers.
RUN = ["00_start_here.ipynb", "09_test_the_checkpoints.ipynb", "13_use_a_real_service.ipynb"]
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
    window.finished = false;
    await jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
    jupyterapp.commands.execute('notebook:run-all-cells').then(async () => {
        await lesson.sessionContext.session.kernel.requestExecute({code: '', silent: true}).done;
        window.finished = true;
    });
}"""
CLOSE_ALL = """async () => {
    for (const each of [...jupyterapp.shell.widgets('main')]) {
        if (each.context) each.context.model.dirty = false;  // or it asks whether to save
        each.close();
    }
    await jupyterapp.serviceManager.sessions.shutdownAll();
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


@pytest.fixture(scope="module")
def tab(browser, jupyterlab):
    """JupyterLab, just opened in a browser that was never used, and what goes wrong in it."""
    page = browser.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(f"error in the page: {error}"))
    page.on("popup", lambda other: wrong.append(f"a window beside JupyterLab: {other.url}"))
    page.on("request", lambda sent: is_outside(sent.url) and wrong.append(sent.url))
    page.on("console", lambda said: said.type == "error" and wrong.append(said.text))
    page.goto(f"{jupyterlab['url']}?token={jupyterlab['token']}")
    page.wait_for_function(READY)
    return page, wrong


@pytest.fixture
def page(tab):
    """JupyterLab's page; fails on whatever goes wrong in it, and closes all that was opened."""
    page, wrong = tab
    yield page
    seen = wrong + page.locator(OVER_THE_LESSON).all_inner_texts()
    page.evaluate(CLOSE_ALL)
    wrong.clear()
    assert seen == []


def is_outside(url: str) -> bool:
    return urlsplit(url).hostname not in (None, "localhost", "127.0.0.1")


def test_the_readme_s_line_opens_the_first_lesson(page):
    """This comes first, before anything else is opened."""
    opened = "[...jupyterapp.shell.widgets('main')].map(each => each.context?.path)"
    assert page.evaluate(opened) == [f"notebooks/{LESSONS[0]}"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_opens_and_leads_on(lesson, page, opened):
    open_lesson(page, lesson)
    assert page.locator("#jp-main-dock-panel .jp-mod-dirty").count() == 0, "unsaved when opened"
    follow_links(page, opened)


@pytest.mark.parametrize("lesson", RUN)
def test_a_lesson_runs(lesson, page):
    open_lesson(page, lesson)
    run_all(page)


def test_what_runs_here_prints_all_that_lessons_print():
    """Figures, tables, errors: JupyterLab has to show each kind while it is made."""
    assert kinds_of_output(RUN) == kinds_of_output(LESSONS)


@pytest.fixture(scope="module")
def opened():
    """What is known to open; each lesson does, or its own test fails."""
    return {f"notebooks/{lesson}" for lesson in LESSONS}


def open_lesson(page, lesson):
    path = f"notebooks/{lesson}"
    page.evaluate("path => jupyterapp.commands.execute('docmanager:open', {path})", path)
    page.wait_for_function(OPENED, arg=path)
    page.wait_for_function(READY)
    page.evaluate("window.lesson = jupyterapp.shell.currentWidget")


def run_all(page):
    """Run the lesson; a cell may fail only if it is tagged so."""
    page.evaluate(RUN_ALL)
    page.wait_for_function("window.finished")
    for cell in page.evaluate("lesson.content.model.toJSON().cells"):
        if cell["cell_type"] == "code":
            assert cell["execution_count"], f"did not run: {cell['source']}"
            failed = [each for each in cell["outputs"] if each["output_type"] == "error"]
            assert not failed or "raises-exception" in cell["metadata"].get("tags", [])


def follow_links(page, opened):
    """Click each link to a file of the course; it has to open in JupyterLab, the first time."""
    links = page.locator(".jp-MarkdownCell a[href*='/files/']")
    paths = links.evaluate_all("links => links.map(link => link.pathname)")
    assert paths
    for number, path in enumerate(unquote(path).partition("/files/")[2] for path in paths):
        if path not in opened:
            print("link:", path)  # shown only where it fails
            links.nth(number).evaluate("link => link.click()")
            page.wait_for_function(OPENED, arg=path, timeout=60_000)
            page.evaluate("jupyterapp.shell.activateById(lesson.id)")
            opened.add(path)


def kinds_of_output(lessons):
    """The kinds of what the cells of these lessons print or show, as it is stored."""
    texts = ((ROOT / "notebooks" / lesson).read_text(encoding="utf-8") for lesson in lessons)
    cells = [cell for text in texts for cell in json.loads(text)["cells"]]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    return {kind for each in outputs for kind in each.get("data", [each["output_type"]])}
