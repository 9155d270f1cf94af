"""One training with TRL's SFTTrainer, for against_trl.py, which says what is measured and how."""

import argparse
import json
import os
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from datasets import Dataset
from peak_memory import peak_memory
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

IGNORED = -100  # as a label: a token that is not learnt


class Clock(TrainerCallback):
    """Seconds of processor where steps end."""

    def __init__(self):
        self.ends = []

    def on_train_begin(self, *_, **__):
        self.ends.append(time.process_time())

    def on_step_end(self, *_, **__):
        self.ends.append(time.process_time())


def trained(work, batch_size, n_steps, rate):
    """Train on the examples in their order; see `against_trl.trained`."""
    stored = json.loads((work / "examples.json").read_text(encoding="utf-8"))
    rows = [
        {"input_ids": tokens, "labels": np.where(trained_on, tokens, IGNORED).tolist()}
        for tokens, trained_on in stored[: batch_size * n_steps]
    ]
    model = AutoModelForCausalLM.from_pretrained(work / "base", dtype=torch.float32)
    clock = Clock()
    trainer = SFTTrainer(
        PeftModel.from_pretrained(model, work / "adapter", is_trainable=True),
        SFTConfig(
            output_dir=work / "trl",
            per_device_train_batch_size=batch_size,
            max_steps=n_steps,
            learning_rate=rate,
            lr_scheduler_type="linear",
            weight_decay=0.01,
            bf16=False,
            gradient_checkpointing=False,
            train_sampling_strategy="sequential",
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
        ),
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(work / "base"),
        callbacks=[clock],
    )
    trainer.train()
    losses = [told["loss"] for told in trainer.state.log_history if "loss" in told]
    return {"losses": losses, "seconds": median(np.diff(clock.ends)), "peak": peak_memory()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("--alone", type=int, nargs=2)
    parser.add_argument("rate", type=float)
    options = parser.parse_args()
    print(json.dumps(trained(options.work, *options.alone, options.rate)))
