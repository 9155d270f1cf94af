"""The transformers engine against TRL's SFTTrainer: are the losses the same, and at what cost?

    python tests/benchmarks/against_trl.py [FOLDER ...] [--steps 16] [--python PYTHON]

For each model folder, and for a small Qwen3 with random weights, both train an adapter on the same
tokens in the same order: batches of one and of four, float32, one thread, the same beginning and
the engine's settings. Each training is a process of its own; they take turns. Prints the largest
difference between the losses of a step, seconds of processor for the middle one of all steps
(others may use the machine too), and the memory held at its peak.

TRL needs packages that nothing else here needs: pip makes an environment for it in a temporary
folder (1.5 GB, some minutes), unless PYTHON is that of one that has them (against_trl.txt).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from importlib.metadata import version
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as the server sets it for its children
os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the processor is measured
sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import torch
from peak_memory import peak_memory

from practice_server.engines.engine import Example, Plan, TokenSequence
from practice_server.engines.model_folder import engine_of
from practice_server.engines.transformers_engine.folder import LIBRARIES
from practice_server.engines.transformers_engine.network import Network
from practice_server.engines.transformers_engine.save import save, save_whole
from practice_server.formats.encoding import as_examples
from tests.transformers_model import save_random_model

HERE = Path(__file__).parent
ORDERS = HERE.parents[1] / "data" / "orders" / "train.jsonl"
SMALL_QWEN3 = {
    "kind": "qwen3",
    "hidden_size": 256,
    "intermediate_size": 768,
    "num_hidden_layers": 6,
    "head_dim": 64,
    "max_position_embeddings": 1024,
}
ROUNDS = 2
BATCH_SIZES = (1, 4)
RATE, SEED = 1e-3, 0
TABLE_HEAD = """\
                     batch    losses  seconds a step    times     peak MB
                      size    differ     ours    TRL  as fast   ours  TRL"""


def main():
    options = _options()
    if options.alone:
        print(json.dumps(trained(*options.folders, *options.alone)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        python = options.python or environment_with_trl(Path(temporary, "environment"))
        print(TABLE_HEAD)
        small = save_random_model(Path(temporary, "small-qwen3"), **SMALL_QWEN3)
        for folder in [*options.folders, small]:
            work = Path(temporary, f"{folder.name}-in-float32")
            prepare(folder, work, max(BATCH_SIZES) * options.steps)
            for size in BATCH_SIZES:
                row = compared(python, work, size, options.steps)
                print(f"{folder.name:22}{size:4} {row}", flush=True)


def environment_with_trl(folder):
    """An environment with TRL; what the engine stands on is there as it is here."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    same = [f"{name}=={version(name)}" for name in LIBRARIES]
    install = [python, "-m", "pip", "install", "--quiet", *same, "-r", HERE / "against_trl.txt"]
    subprocess.run(install, check=True)
    return python


def prepare(folder, work, n_examples):
    """Write what both begin with: the model in float32, an adapter, examples in their order."""
    network = Network(folder)
    model = network.merged()
    model.config.dtype, model.config.practice = torch.float32, {"learning_rate": RATE}
    save_whole(model, network.base_folder, work / "base")
    network = Network(work / "base")
    network.begin_training(Plan(1, 1, 1.0, SEED))
    save(network, work / "adapter")
    lines = map(json.loads, ORDERS.read_text(encoding="utf-8").splitlines())
    engine = engine_of(folder)
    examples = as_examples(engine.load_tokenizer(folder), lines, engine.context_of(folder))
    sequences = [example.sequences[0] for example in examples[:n_examples]]
    (work / "examples.json").write_text(json.dumps(sequences), encoding="utf-8")


def compared(python, work, batch_size, n_steps):
    """A row of the table: the best of some rounds, in which the two take turns."""
    size = [work, "--alone", str(batch_size), str(n_steps)]
    engine, sft_trainer = [sys.executable, __file__], [python, HERE / "with_trl.py"]
    rounds = [
        (_run([*engine, *size]), _run([*sft_trainer, *size, str(RATE)])) for _ in range(ROUNDS)
    ]
    ours, trl = map(_best, zip(*rounds, strict=True))
    differ = max(abs(a - b) for a, b in zip(ours["losses"], trl["losses"], strict=True))
    return (
        f"{differ:9.1e}  {ours['seconds']:7.3f}{trl['seconds']:7.3f}"
        f"{trl['seconds'] / ours['seconds']:9.2f}"
        f"  {ours['peak']:5.0f}{trl['peak']:5.0f}"
    )


def trained(work, batch_size, n_steps):
    """Train with the engine, in this process."""
    stored = json.loads((work / "examples.json").read_text(encoding="utf-8"))
    drawn = [Example([TokenSequence(*sequence)]) for sequence in stored[: batch_size * n_steps]]
    # Where each must stand so that the loop draws them in their order.
    order = np.random.default_rng([SEED, 0]).permutation(len(drawn))
    examples = [drawn[place] for place in np.argsort(order)]
    engine = engine_of(work / "adapter").load(work / "adapter")
    losses, ends = [], [time.process_time()]
    for step in engine.train(examples, [], Plan(1, batch_size, 1.0, SEED)):
        losses.append(step.metrics["train_loss"])
        ends.append(time.process_time())
    return {"losses": losses, "seconds": median(np.diff(ends)), "peak": peak_memory()}


def _run(command):
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _best(rounds):
    return {key: min(one[key] for one in rounds) for key in rounds[0]}


def _options():
    parser = argparse.ArgumentParser()
    parser.add_argument("folders", type=Path, nargs="*", help="of models")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--python", type=Path, help="of an environment that has TRL")
    parser.add_argument("--alone", type=int, nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
