"""Rules on the file as a whole."""

from dataclasses import dataclass

from helpers.checks.report import Report
from helpers.checks.rules import Fault, rule
from helpers.tokens import base_model

LARGEST = 512 * 1024 * 1024  # bytes
FEWEST = 10
FEW = 50
TRAINED_WITH = {"supervised": ("chat", "completion"), "dpo": ("preferences",)}


@dataclass(frozen=True)
class FileFacts:
    """What is known when the file has been read; `whole` says that all of it was."""

    size: int
    report: Report
    whole: bool
    is_validation: bool
    method: str
    model: str | None


@rule("error", "formats")
def mixed_formats(formats: tuple[str, str]) -> Fault | None:
    usual, found = formats
    if found == usual:
        return None
    return Fault("", f"a {found} example in a file of {usual} examples", "make it two files")


@rule("error", "file")
def file_empty(file: FileFacts) -> Fault | None:
    if file.report.examples:
        return None
    return Fault("", "the file has no example", "write one example a line")


@rule("error", "file")
def file_too_large(file: FileFacts) -> Fault | None:
    if file.size <= LARGEST:
        return None
    return Fault("", f"{file.size:,} bytes; a file may have {LARGEST:,}", "leave examples out")


@rule("error", "file")
def too_few_examples(file: FileFacts) -> Fault | None:
    if file.is_validation or not file.whole or not 0 < file.report.examples < FEWEST:
        return None
    message = f"{file.report.examples} examples; a service wants at least {FEWEST}"
    return Fault("", message, f"write {FEWEST - file.report.examples} more")


@rule("advice", "file")
def few_examples(file: FileFacts) -> Fault | None:
    if file.is_validation or not file.whole or not FEWEST <= file.report.examples < FEW:
        return None
    cure = "start with 50 good ones; a gain usually shows from 50 to 100"
    return Fault("", f"only {file.report.examples} examples", cure)


@rule("error", "file")
def format_not_for_method(file: FileFacts) -> Fault | None:
    fitting = TRAINED_WITH[file.method]
    if file.report.format is None or file.report.format in fitting:
        return None
    message = f"{file.report.format} examples; {file.method} takes {' or '.join(fitting)}"
    return Fault("", message, "change one of them")


@rule("error", "file")
def format_not_for_model(file: FileFacts) -> Fault | None:
    model = base_model(file.model or "")
    completes = model.startswith(("babbage-002", "davinci-002"))
    chats = model.startswith(("gpt-", "o1", "o3", "o4"))
    if file.report.format == "chat" and completes:
        takes, cure = "prompt/completion", "python -m helpers.prepare --to completion"
    elif file.report.format == "completion" and chats:
        takes, cure = "chat examples", "python -m helpers.prepare --to chat"
    else:
        return None
    return Fault("", f"{model} takes {takes}", cure)
