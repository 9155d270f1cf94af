"""Measures what lesson 14b tells: other ways to train, each with several seeds.

    python -m data.other_ways.measure marv          writes marv.csv
    python -m data.other_ways.measure sentences     writes sentences.csv

Both take some minutes. What they call stands in `notebooks/trainer` and in the practice server.
"""

import os
import sys
from pathlib import Path
from time import process_time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the small matrices gain nothing from more

import pandas as pd

from helpers.evaluate import contains, has_fact, has_fit, has_style
from helpers.prepare import read_rows
from notebooks.trainer.lora import LoRA, train_lora
from notebooks.trainer.reinforce import reinforce
from notebooks.trainer.rounding import round_model
from notebooks.trainer.sampling import sample
from practice_server.engines.engine import Example, Plan, Preference
from practice_server.engines.numpy_engine.engine import NumpyEngine
from practice_server.engines.numpy_engine.train import evaluate

HERE = Path(__file__).resolve().parent
MARV = HERE.parent / "marv"
POCKET = HERE.parents[1] / "practice_server" / "base_models" / "pocket-2026-11-21"
SEEDS = (1, 2, 3)
N_EPOCHS, BATCH_SIZE = 3, 2
# Of LoRA, by rank. Full tuning has 3e-4; a few numbers have to do all the work.
RATES = {1: 5e-3, 4: 5e-3, 16: 3e-3}
N_STEPS, N_SAMPLES = 20, 16


def marv(seed):
    """Marv taught by full tuning (rank 0), by LoRA, and by LoRA on weights of 4 bits."""
    lines = read_rows(MARV / "train.jsonl")
    for bits, rank in ((16, 0), (16, 1), (16, 4), (16, 16), (4, 16)):
        engine = NumpyEngine.load(POCKET)
        examples = encoded(engine, lines)
        if bits < 16:
            round_model(engine.model, bits)
        if rank:
            lora = LoRA(engine.model, rank, seed)
            n_trained = lora.flat.size
            settings = dict(n_epochs=N_EPOCHS, batch_size=BATCH_SIZE, rate=RATES[rank], seed=seed)
            list(train_lora(lora, examples, **settings))
        else:
            n_trained = engine.model.weights.flat.size
            train(engine, examples, Plan(N_EPOCHS, BATCH_SIZE, 1.0, seed))
        found = {"bits": bits, "rank": rank, "trained": n_trained, "seed": seed}
        yield found | asked_as_marv(engine, lines[0]["messages"][0]["content"])


def sentences(seed):
    """The same wish in three ways: name what was asked about, instead of a bare answer."""
    rows = of_split("train")
    written = [row for row in rows if row["category"] in ("capitals", "animals")]
    base = NumpyEngine.load(POCKET)
    pairs = [preference(base, row) for row in written]
    better = [pair.preferred for pair in pairs]
    for method, examples, multiplier, beta in (
        ("supervised", better, 1.0, None),
        ("preference", pairs, 0.1, 0.1),
    ):
        engine, start = NumpyEngine.load(POCKET), process_time()
        train(engine, examples, Plan(N_EPOCHS, 1, multiplier, seed, beta))
        cost = {"used": len(examples), "seconds": round(process_time() - start, 1)}
        yield {"method": method, "seed": seed} | cost | asked_plainly(engine)
    for method, rule in (("names", names), ("names, right", names_and_right)):
        engine, start = NumpyEngine.load(POCKET), process_time()
        steps = reinforce(engine, rows, rule, n_steps=N_STEPS, batch_size=N_SAMPLES, seed=seed)
        cost = {"used": sum(map(len, steps)), "seconds": round(process_time() - start, 1)}
        yield {"method": f"reinforcement: {method}", "seed": seed} | cost | asked_plainly(engine)


def names(text, row):
    """Whether the answer names what was asked about."""
    return contains(text, row["entity"])


def names_and_right(text, row):
    """Whether it does, and contains the fact as well."""
    return names(text, row) and has_fact(text, row["fact"])


def of_split(name):
    return [row for row in read_rows(MARV / "questions.csv") if row["split"] == name]


def encoded(engine, lines):
    """Lines of a training file as examples."""
    return [Example(engine.tokenizer.encode_chat(line["messages"])) for line in lines]


def preference(base, row):
    """The plain sentence of Marv's answer, preferred to what the base model says."""
    sentence = row["answer"].partition(". ")[0] + "."
    _, now = sample(base, row["question"], temperature=0)
    asked = {"role": "user", "content": row["question"]}
    said = [{"messages": [asked, {"role": "assistant", "content": t}]} for t in (sentence, now)]
    return Preference(*encoded(base, said))


def train(engine, examples, plan):
    for _ in engine.train(examples, [], plan):
        pass


def asked_as_marv(engine, system):
    """The loss on the validation file, and shares of the answers to its questions."""
    valid = encoded(engine, read_rows(MARV / "valid.jsonl"))
    loss = evaluate(engine.model, valid).metrics("loss", "accuracy")["loss"]
    signs = {row["sign"]: row["category"] for row in read_rows(MARV / "style.csv")}
    rows = of_split("valid")
    texts = answers(engine, rows, system)
    pairs = list(zip(texts, rows, strict=True))
    return {
        "valid_loss": round(loss, 4),
        "style": share(has_style(text, signs) for text, _ in pairs),
        "fit": share(has_fit(text, row["category"], signs) for text, row in pairs),
        "fact": share(has_fact(text, row["fact"]) for text, row in pairs),
    }


def asked_plainly(engine):
    """Shares of the answers to the validation questions, without a system message."""
    rows = of_split("valid")
    pairs = list(zip(answers(engine, rows), rows, strict=True))
    return {
        "names": share(names(*pair) for pair in pairs),
        "fact": share(has_fact(text, row["fact"]) for text, row in pairs),
        "words": round(sum(len(text.split()) for text, _ in pairs) / len(pairs), 2),
    }


def answers(engine, rows, system=None):
    return [sample(engine, row["question"], system=system, temperature=0)[1] for row in rows]


def share(marks):
    marks = list(marks)
    return round(sum(marks) / len(marks), 4)


def main(name):
    rows = [row for seed in SEEDS for row in {"marv": marv, "sentences": sentences}[name](seed)]
    pd.DataFrame(rows).to_csv(HERE / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main(sys.argv[1])
