"""What Binder makes of this repository, rendered without Docker, and what is taken home from it.

Needs repo2docker (requirements-dev.txt), the program that Binder builds with. In an environment of
its own: `python -m tests.fresh_binder`.
"""

import importlib.util
import json
import logging
import re
import shutil
import subprocess
import sys
import zipfile

import nbformat
import pytest

from helpers.jobs import create_once, wait
from helpers.service import CourseError, connect
from tests.surroundings import ROOT, stop_server

BINDER = ROOT / "binder"


@pytest.fixture
def rendered(monkeypatch):
    """Renders what Binder builds from a folder: the buildpack, the Python, the Dockerfile."""
    app = pytest.importorskip("repo2docker.app", reason="repo2docker: see requirements-dev.txt")
    logging.getLogger("repo2docker").setLevel(logging.ERROR)

    def render(folder):
        monkeypatch.chdir(folder)
        for kind in app.Repo2Docker().buildpacks:
            pack = kind(base_image="docker.io/library/buildpack-deps:24.04")
            pack.platform = "linux/amd64"
            if pack.detect():
                dockerfile = pack.render({"NB_USER": "jovyan", "NB_UID": "1000"})
                return kind.__name__, pack.python_version, dockerfile
        raise AssertionError("no buildpack")

    return render


def orders(dockerfile: str) -> list[str]:
    """What a Dockerfile does with the repository's own files."""
    found = re.findall(r"^(?:RUN|ENV) .*binder/.*$", dockerfile, re.MULTILINE)
    return [line for line in found if "build_script_files" not in line]


OURS = (
    "PythonBuildPack",
    "3.12",
    [
        'RUN ${KERNEL_PYTHON_PREFIX}/bin/pip install --no-cache-dir -r "binder/requirements.txt"',
        'RUN chmod +x "${REPO_DIR}/binder/start"',
        'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"',
    ],
)


def test_binder_builds_what_we_mean(rendered):
    kind, python, dockerfile = rendered(ROOT)
    assert (kind, python, orders(dockerfile)) == OURS
    # The file names another one, so the whole repository must be there before it is read.
    assert dockerfile.index("COPY --chown=1000:1000 src/ ") < dockerfile.index(OURS[2][0])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda binder: (binder / "runtime.txt").unlink(),
        lambda binder: (binder / "runtime.txt").write_text("python-3.11\n", encoding="utf-8"),
        lambda binder: (binder / "requirements.txt").unlink(),
        lambda binder: (binder / "start").unlink(),
        lambda binder: (binder / "postBuild").write_text("true\n", encoding="utf-8"),
        lambda binder: (binder / "environment.yml").write_text("name: x\n", encoding="utf-8"),
    ],
)
def test_a_wrong_file_is_seen(rendered, spoil, tmp_path):
    shutil.copytree(BINDER, tmp_path / "binder")
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    spoil(tmp_path / "binder")
    kind, python, dockerfile = rendered(tmp_path)
    assert (kind, python, orders(dockerfile)) != OURS


def test_binder_installs_what_everybody_installs():
    lines = (BINDER / "requirements.txt").read_text(encoding="utf-8").split("\n")
    assert [line for line in lines if line] == ["-r ../requirements.txt"]


def test_the_badge_opens_lesson_00():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (path,) = re.findall(
        r"https://mybinder\.org/v2/gh/\w+/\w+/HEAD\?urlpath=lab/tree/([^)]+)\)", text
    )
    assert path == "notebooks/00_start_here.ipynb" and (ROOT / path).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Binder runs on Linux")
def test_jupyter_starts_with_the_courses_settings(tmp_path):
    elsewhere = f"cd {tmp_path} && {sys.executable} -m jupyter lab --show-config-json"
    command = ["sh", "binder/start", "sh", "-c", elsewhere]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    settings = json.loads(shown[shown.index("{") :])["LabApp"]
    assert settings["default_url"] == "/lab/tree/notebooks/00_start_here.ipynb"
    assert settings["extension_manager"] == "readonly"


@pytest.fixture(scope="module")
def take_home():
    spec = importlib.util.spec_from_file_location("take_home", BINDER / "take_home.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def work(tmp_path, monkeypatch):
    folder = tmp_path / "work"
    monkeypatch.setenv("FINE_TUNING_WORK", str(folder))
    yield folder
    stop_server(folder)


def ask(service, model):
    question = [{"role": "user", "content": "What is the capital of Japan?"}]
    completion = service.client.chat.completions.create(
        model=model, messages=question, temperature=0, max_tokens=20
    )
    return completion.choices[0].message.content


def test_a_tuned_model_comes_home_and_back_and_a_job_goes_on(take_home, work, tmp_path, capsys):
    marv = ROOT / "data" / "marv" / "train.jsonl"
    service = connect()
    done = wait(service, create_once(service, marv, n_epochs=1, seed=1))
    said = ask(service, done.fine_tuned_model)
    under_way = create_once(service, marv, n_epochs=2, seed=2)
    take_home.pack(tmp_path / "home.zip")  # ends the server in the middle of the job

    key = service.client.api_key.encode()
    with zipfile.ZipFile(tmp_path / "home.zip") as archive:
        assert [name for name in archive.namelist() if key in archive.read(name)] == []

    shutil.rmtree(work)
    (work / "other").mkdir(parents=True)
    take_home.bring_back(tmp_path / "home.zip")
    assert (tmp_path / "work-before-1" / "other").is_dir()
    assert "work is now in work-before-1" in capsys.readouterr().out
    service = connect()
    assert ask(service, done.fine_tuned_model) == said
    assert wait(service, under_way).status == "succeeded"
    assert create_once(service, marv, n_epochs=1, seed=1).id == done.id


@pytest.mark.parametrize(
    "name", ["../outside", "/outside", "a/../../outside", "..\\outside", "C:x"]
)
def test_a_zip_that_leads_outside_is_refused(take_home, work, tmp_path, name):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(CourseError, match="leads elsewhere"):
        take_home.bring_back(tmp_path / "bad.zip")
    assert not work.exists() and [path.name for path in tmp_path.iterdir()] == ["bad.zip"]


def test_nothing_to_take_home_and_no_zip_are_told(take_home, work, tmp_path):
    with pytest.raises(CourseError, match="nothing to take home"):
        take_home.pack(tmp_path / "home.zip")
    (tmp_path / "broken.zip").write_bytes(b"PK half a file")
    with pytest.raises(CourseError, match="cannot be unpacked"):
        take_home.bring_back(tmp_path / "broken.zip")


def test_binders_notebook_runs(work, tmp_path):
    from nbclient import NotebookClient

    connect()
    copy = tmp_path / "binder"
    shutil.copytree(BINDER, copy)
    shutil.copytree(ROOT / "helpers", tmp_path / "helpers")
    notebook = nbformat.read(copy / "on_binder.ipynb", as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(copy)}}).execute()
    assert zipfile.is_zipfile(tmp_path / "work.zip")


def test_on_binder_connect_warns_of_keys(work, monkeypatch, capsys):
    connect()
    assert capsys.readouterr().out == ""
    monkeypatch.setenv("BINDER_LAUNCH_HOST", "https://binder.example/")
    connect()
    assert "Never type a key" in capsys.readouterr().out
