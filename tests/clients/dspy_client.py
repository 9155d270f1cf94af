"""DSPy: a program is tuned by `BootstrapFinetune`, then it answers."""

import contextlib
import sys

import dspy
from dspy.utils import DummyLM
from steps import MODEL, end, step

KINDS = {
    "Great lamp, it works.": "praise",
    "Where is my parcel?": "question",
    "I love this chair.": "praise",
    "How do I pay?": "question",
    "A lovely pan.": "praise",
    "When do you open?": "question",
    "The best bag ever.": "praise",
    "Do you sell shoes?": "question",
    "Such a good cup!": "praise",
    "What does the table cost?": "question",
}


def sorter(model):
    program = dspy.Predict("message -> kind")
    program.set_lm(model)
    return program


# The teacher says what is right; a larger model in real life.
teacher = sorter(DummyLM({message: {"kind": kind} for message, kind in KINDS.items()}))
student = sorter(dspy.LM(f"openai/{MODEL}", temperature=0))
examples = [dspy.Example(message=m, kind=k).with_inputs("message") for m, k in KINDS.items()]

with step("POST /fine_tuning/jobs", "tune a program"), contextlib.redirect_stdout(sys.stderr):
    optimizer = dspy.BootstrapFinetune(train_kwargs={"n_epochs": 5}, num_threads=1)
    tuned = optimizer.compile(student, trainset=examples, teacher=teacher)
    assert tuned.lm.model.startswith(f"ft:{MODEL}:practice:"), tuned.lm.model

with step("POST /chat/completions", "call the tuned program"):
    answers = [tuned(message=message).kind for message in ("I love my bag.", "Where is it?")]
    assert set(answers) <= set(KINDS.values()), answers

end()
