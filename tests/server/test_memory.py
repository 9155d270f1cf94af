"""A job that will not fit in memory is refused before it trains, with what to do about it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from practice_server.engines.engine import DataSize, Plan
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.machine.limits import free_memory
from tests.count_engine.engine import CountEngine
from tests.random_model import byte_tokenizer, random_engine
from tests.server.crash import rows

ROOT = Path(__file__).resolve().parents[2]
LONG = [
    {
        "messages": [
            {"role": "user", "content": "Say much."},
            {"role": "assistant", "content": "x" * 150},
        ]
    }
] * 20

# What a trainer does that takes memory. It prints the most that it has held.
TRAIN = """
import json, sys
from pathlib import Path
import practice_server.training.trainer, practice_server.training.train_job
from practice_server.engines.engine import Example, Plan, Preference, TokenSequence
from practice_server.engines.numpy_engine.engine import NumpyEngine
folder, n_examples, length, batch_size, beta = json.loads(sys.argv[1])
engine = NumpyEngine.load(Path(folder))
trained_on = [False] * (length // 3) + [True] * (length - length // 3)
texts = [[n % 200 for n in range(length)] for _ in range(n_examples)]
examples = [Example([TokenSequence(tokens, trained_on)]) for tokens in texts]
if beta:
    examples = [Preference(example, example) for example in examples]
plan = Plan(1, batch_size, learning_rate_multiplier=1.0, seed=0, beta=beta)
for step in engine.train(examples, [], plan):
    pass
engine.save(Path(folder) / "tuned")
engine.save_state(Path(folder) / "state")
lines = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="looks into /proc")
@pytest.mark.parametrize(
    ("sizes", "n_examples", "length", "batch_size", "beta"),
    [
        pytest.param((2, 32, 64, 2, 128), 10, 20, 1, None, id="tiny"),
        pytest.param((2, 512, 1400, 8, 128), 10, 60, 2, None, id="mostly weights"),
        pytest.param((2, 128, 344, 8, 2048), 4, 2000, 2, None, id="mostly attention"),
        pytest.param((4, 256, 688, 8, 512), 16, 60, 16, None, id="mostly one batch"),
        pytest.param((2, 128, 344, 8, 1024), 4, 1000, 2, 0.1, id="preferences"),
    ],
)
def test_the_estimate_covers_what_training_takes(
    tmp_path, sizes, n_examples, length, batch_size, beta
):
    names = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads")
    sizes = dict(zip((*names, "max_position_embeddings"), sizes, strict=True))
    random_engine(byte_tokenizer(), scale=0.02, seed=0, **sizes).save(tmp_path)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            TRAIN,
            json.dumps([str(tmp_path), n_examples, length, batch_size, beta]),
        ],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    taken = 1024 * int(done.stdout)
    n_sequences = 2 if beta else 1
    data = DataSize(n_examples, n_sequences * n_examples * length, length, n_sequences)
    plan = Plan(1, batch_size, 1.0, seed=0)
    needed = NumpyEngine.memory_needed(tmp_path, data, plan)
    assert taken <= needed <= 2 * taken


@pytest.mark.parametrize(
    ("megabytes", "param", "advice"),
    [
        ("70", "batch_size", "Choose a batch_size smaller than 16"),
        ("65", "training_file", "Use shorter or fewer examples"),
        ("40", "model", "Choose a smaller model"),
    ],
)
def test_a_job_that_does_not_fit_is_refused(start_server, data, megabytes, param, advice):
    server = start_server("--memory", megabytes)
    job = server.create(training_file=server.upload(LONG), method=data.epochs(1, batch_size=16))
    job = server.wait(job)
    assert (job.status, job.error.code, job.error.param) == ("failed", "not_enough_memory", param)
    assert "needs about" in job.error.message and f"has {megabytes} MB" in job.error.message
    assert advice in job.error.message
    assert not any(event.type == "metrics" for event in server.events(job))
    assert job.finished_at is None


def test_what_the_error_advises_helps(start_server, data):
    server = start_server("--memory", "70")
    job = server.create(training_file=server.upload(LONG), method=data.epochs(1, batch_size=1))
    assert server.wait(job).status == "succeeded"


def test_lanes_share_the_memory(start_server, data):
    server = start_server("--memory", "140", "--lanes", "2")
    job = server.create(training_file=server.upload(LONG), method=data.epochs(1, batch_size=16))
    job = server.wait(job)
    assert job.status == "failed" and "has 70 MB" in job.error.message


# --- what the system tells ---


def machine(folder, **files):
    """A folder like a machine's, with these files; `__` in a name stands for a folder."""
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


MEMINFO = "MemTotal:  2000 kB\nMemFree:  100 kB\nMemAvailable:  1000 kB\n"


def test_what_the_machine_has(tmp_path):
    assert free_memory(root=machine(tmp_path, proc__meminfo=MEMINFO)) == 1_024_000


def test_what_a_container_has_left(tmp_path):
    """Files that the system only keeps at hand count as free."""
    root = machine(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="0::/\n")
    group = {"memory.max": "600000", "memory.current": "500000"}
    group["memory.stat"] = "anon 300000\ninactive_file 200000\nactive_file 7\n"
    machine(root / "sys/fs/cgroup", **group)
    assert free_memory(root=root) == 300_000


def test_what_a_container_of_version_1_has_left(tmp_path):
    root = machine(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="4:memory:/docker/ab\n")
    group = {"memory.limit_in_bytes": "600000", "memory.usage_in_bytes": "500000"}
    machine(root / "sys/fs/cgroup/memory", **group)
    assert free_memory(root=root) == 100_000


def test_a_group_without_a_limit_does_not_count(tmp_path):
    root = machine(tmp_path, proc__meminfo=MEMINFO, proc__self__cgroup="0::/\n")
    machine(root / "sys/fs/cgroup", **{"memory.max": "max", "memory.current": "500000"})
    assert free_memory(root=root) == 1_024_000


@pytest.mark.skipif(os.name != "posix", reason="pages as Linux counts them")
def test_a_job_that_trains_now_will_have_ended(tmp_path):
    root = machine(tmp_path, proc__meminfo=MEMINFO, proc__12__statm="900 50 20 1 0 30 0\n")
    page = os.sysconf("SC_PAGE_SIZE")
    assert free_memory([12, 13], root) == 1_024_000 + 30 * page


# Python runs a file of this name at its start, in every process of the server.
HUNGRY = """
from practice_server.engines import model_folder
from tests.count_engine.engine import CountEngine

def train(*arguments, **options):
    raise MemoryError("Make batch_size smaller")

model_folder.PACKAGES["counts.json"] = "tests.count_engine"
CountEngine.train = train
"""


def test_memory_that_ends_in_training_fails_the_job(start_server, data, tmp_path, models_folder):
    """At once: the next trainer would have no more of it."""
    models = tmp_path / "models"
    shutil.copytree(models_folder, models)
    CountEngine(context=300, counts=[]).save(models / "counting")
    (tmp_path / "sitecustomize.py").write_text(HUNGRY, encoding="utf-8")
    path = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    server = start_server("--models", models, environment=path)
    job = server.wait(server.create(model="counting", method=data.epochs(1)))
    assert (job.status, job.error.code) == ("failed", "not_enough_memory")
    assert "Make batch_size smaller" in job.error.message
    assert rows(server, "SELECT deaths FROM jobs") == [(0,)]
