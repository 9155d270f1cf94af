"""Attempts at the exercises of lesson 16."""

import json

from helpers.service import work_folder


def right_1():
    return ["pocket", "".join(["poc", "ket"])]


def wrong_1():
    return [("SmolLM2", "raised"), ("both", "should be"), (10, "should be"), (["pocket"], "be")]


def right_2():
    def by_end(answer, remarks):
        return any(answer.endswith(remark) for remark in remarks)

    def by_cut(answer, remarks):
        return True in [answer[-len(remark) :] == remark for remark in remarks]

    return [by_end, by_cut]


def wrong_2():
    def whole(answer, remarks):
        return answer in remarks

    def two_sentences(answer, remarks):
        return ". " in answer

    def by_beginning(answer, remarks):
        return any(remark[:15] in answer for remark in remarks)

    return [(whole, "end with"), (two_sentences, "end with"), (by_beginning, "month"), (3, "def")]


def right_3():
    def by_list(sizes, gigabytes, bytes_each):
        return [name for name in sizes if sizes[name] * bytes_each < gigabytes]

    def by_loop(models, room, each):
        found = ()
        for name, billions in models.items():
            if billions < room / each:
                found += (name,)
        return found

    return [by_list, by_loop]


def wrong_3():
    def without_bytes(sizes, gigabytes, bytes_each):
        return [name for name, billions in sizes.items() if billions < gigabytes]

    def at_most(sizes, gigabytes, bytes_each):
        return [name for name in sizes if sizes[name] * bytes_each <= gigabytes]

    def how_many(sizes, gigabytes, bytes_each):
        return sum(billions * bytes_each < gigabytes for billions in sizes.values())

    return [(without_bytes, "times bytes"), (at_most, "expected"), (how_many, "expected")]


def exported(name, *files, base="smollm2-135m-instruct"):
    """A folder with files as an export leaves them."""
    folder = work_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file).touch()
    config = {"base_model_name_or_path": str(work_folder() / "models" / base)}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def right_4():
    folder = exported("adapter", "adapter_model.safetensors", "tokenizer.json")
    return [folder, str(folder)]


def wrong_4():
    return [
        (exported("merged", "model.safetensors"), "--merged"),
        (exported("cut_off"), "no adapter"),
        (exported("other", "adapter_model.safetensors", base="tiny"), "base model is tiny"),
        (work_folder() / "nowhere", "no folder"),
        (20, "path"),
    ]
