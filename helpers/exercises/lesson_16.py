"""What is right in lesson 16."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from helpers.evaluate import has_fact
from helpers.exercises import marv
from helpers.exercises.judging import require, require_results
from helpers.service import connect

BASE = "smollm2-135m-instruct"
ADAPTER_CONFIG, ADAPTER, WHOLE = (
    "adapter_config.json",
    "adapter_model.safetensors",
    "model.safetensors",
)
REMARKS = ["Look for the big dot on the map.", "How does one lose a whole country?"]
SIZES = {"tiny": 0.25, "small": 0.5, "middle": 4.0, "large": 8.0}  # billions of weights


def exercise_1(predicted: Any) -> None:
    """Which model has more of ten facts right: nobody has more than one that has all."""
    require(predicted in ("pocket", "SmolLM2"), 'it should be "pocket" or "SmolLM2".')
    hint = "one of them was raised on just such facts; ask it all ten."
    require((predicted == "pocket") == pocket_has_all(), hint)


@cache
def pocket_has_all() -> bool:
    """Whether `pocket` has every fact of the lesson's ten questions."""
    ten = [row for row in marv.questions() if row["split"] == "test"][3::11]
    said = marv.answers(connect().base_model, [row["question"] for row in ten])
    return all(has_fact(text, row["fact"]) for text, row in zip(said, ten, strict=True))


def exercise_2(copied: Any) -> None:
    """Whether an answer ends with a remark of the training file, letter by letter."""
    cases = {
        f"Oslo is the capital of Norway. {REMARKS[0]}": True,
        f"The country is Cuba. {REMARKS[1]}": True,
        REMARKS[1]: True,
        "The month is June. How does one lose a whole month?": False,
        "Oslo. Look for the big dot on a map.": False,
        "The capital of Norway is Oslo.": False,
    }
    hint = "Does it end with a whole remark?"
    require_results(copied, [((text, REMARKS), found) for text, found in cases.items()], hint)


def exercise_3(fitting: Any) -> None:
    """The names of the models that need less memory than there is."""
    cases = [
        ((SIZES, gigabytes, each), [name for name, n in SIZES.items() if n * each < gigabytes])
        for gigabytes, each in ((16, 2), (16, 4), (16, 20), (8, 4), (1, 20))
    ]
    require_results(fitting, cases, "Billions of weights times bytes are gigabytes.")


def exercise_4(adapter: Any) -> None:
    """A folder with an adapter beside SmolLM2, and no whole model."""
    require(isinstance(adapter, str | Path), "it should be the path of the folder.")
    folder = Path(adapter)
    require(folder.is_dir(), f"there is no folder {adapter}.")
    require(not (folder / WHOLE).exists(), "that is a whole model; leave out --merged.")
    has_both = all((folder / name).is_file() for name in (ADAPTER_CONFIG, ADAPTER))
    require(has_both, "there is no adapter in it; did export end without an error?")
    told = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    base = Path(told["base_model_name_or_path"]).name
    require(base == BASE, f"its base model is {base}; train {BASE}.")
