"""The rules for training files, each with the words in which it is broken."""

import json
import os
import subprocess
import sys

import pytest

from practice_server.formats import rules
from practice_server.formats.rules import FileRefused

USER = {"role": "user", "content": "Hello"}
ASSISTANT = {"role": "assistant", "content": "Hi"}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {}}}
NO_STRING = "Input should be a valid string"
NO_WEIGHT = "Input should be 0 or 1"
MISSING = "Field required"
IN_FILE = "The job failed due to an invalid training file. "


def chat(*messages, **others):
    return {"messages": list(messages), **others}


GOOD = chat(USER, ASSISTANT)


@pytest.fixture
def check(tmp_path):
    """Check these lines as a training file; returns the number of examples."""

    def check(lines, role=rules.TRAINING, method="supervised"):
        path = tmp_path / "train.jsonl"
        text = "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines)
        path.write_text(text, encoding="utf-8")
        return rules.check_file(path, "file-x", role, method)

    return check


@pytest.mark.parametrize(
    "line",
    [
        GOOD,
        chat({"role": "system", "content": "S"}, USER, ASSISTANT, USER, ASSISTANT),
        chat({"role": "developer", "content": "S"}, USER, ASSISTANT),
        chat(USER, {**ASSISTANT, "weight": 0}, USER, {**ASSISTANT, "weight": 1}),
        chat(USER, {**ASSISTANT, "name": "x", "weight": None}),
        chat(ASSISTANT, USER),
        chat({"role": "user", "content": [{"type": "text", "text": "Hi"}]}, ASSISTANT),
        chat(USER, {"role": "assistant", "tool_calls": [CALL]}),
        chat(USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}),
        chat(USER, {"role": "assistant", "content": None, "refusal": "No."}),
        chat(
            USER,
            {"role": "assistant", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            ASSISTANT,
        ),
        chat(
            USER,
            {"role": "assistant", "content": "", "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "c1", "content": "1"},
            ASSISTANT,
            tools=[{"type": "function", "function": FUNCTION}],
            parallel_tool_calls=False,
        ),
        chat(USER, ASSISTANT, functions=[FUNCTION]),
        {"prompt": "a", "completion": "b"},
        {"prompt": "", "completion": ""},
    ],
)
def test_good_examples(check, line):
    assert check([line] * 10) == 10


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            chat({"content": "x"}, ASSISTANT),
            "Example 3, message 1 Discriminator 'role' is missing in value",
        ),
        (
            chat({**USER, "role": "bot"}, ASSISTANT),
            "Example 3, message 1 Input tag 'bot' found using 'role' does not match any of the"
            " expected tags: 'system', 'developer', 'user', 'assistant', 'tool', 'function'",
        ),
        (
            chat({**USER, "role": None}, ASSISTANT),
            "Example 3, message 1 Input tag None found using 'role'",
        ),
        (chat("Hello", ASSISTANT), "Example 3, message 1 Input should be a valid dictionary"),
        (chat({"role": "user"}, ASSISTANT), f'Line 3, message 1, key "content": {MISSING}'),
        (chat(USER, {"role": "assistant"}), f'Line 3, message 2, key "content": {MISSING}'),
        (
            chat({**USER, "content": 3}, ASSISTANT),
            f'Line 3, message 1, key "content": {NO_STRING}',
        ),
        (
            chat({**USER, "content": None}, ASSISTANT),
            f'Line 3, message 1, key "content": {NO_STRING}',
        ),
        (
            chat(USER, ASSISTANT, {"role": "tool", "tool_call_id": "c", "content": []}),
            f'Line 3, message 3, key "content": {NO_STRING}',
        ),
        (
            chat(USER, ASSISTANT, {"role": "tool", "content": "1"}),
            f'Line 3, message 3, key "tool_call_id": {MISSING}',
        ),
        (
            chat(USER, ASSISTANT, {"role": "function", "content": "1"}),
            f'Line 3, message 3, key "name": {MISSING}',
        ),
        (
            chat({**USER, "content": [{"type": "image_url"}]}, ASSISTANT),
            'Line 3, message 1, key "content": Input should be text',
        ),
        (
            chat({**USER, "weight": 1}, ASSISTANT),
            'Line 3, message 1, key "weight": Extra inputs are not permitted',
        ),
        (chat(USER, {**ASSISTANT, "weight": 2}), f'Line 3, message 2, key "weight": {NO_WEIGHT}'),
        (chat(USER, {**ASSISTANT, "weight": 0.5}), f'key "weight": {NO_WEIGHT}'),
        (chat(USER, {**ASSISTANT, "weight": True}), f'key "weight": {NO_WEIGHT}'),
        (chat({**USER, "name": 1}, ASSISTANT), f'key "name": {NO_STRING}'),
        (
            chat(USER, {**ASSISTANT, "tool_calls": {}}),
            'key "tool_calls": Input should be a valid list',
        ),
        (chat(USER, {**ASSISTANT, "tool_calls": [{}]}), 'key "tool_calls": Each call needs'),
        (chat(USER, {**ASSISTANT, "function_call": "f"}), 'key "function_call": Each call needs'),
        (chat(USER), "Example 3 must have at least one message from the assistant"),
        (chat(USER, {**ASSISTANT, "weight": 0}), "Example 3 has weight 0 on every message"),
        (chat(), 'Line 3, key "messages": List should have at least 1 item'),
        ({"messages": "Hello"}, 'Line 3, key "messages": Input should be a valid list'),
        ({"tools": []}, "Example 3 is missing key 'messages'"),
        ({"prompt": "a", "completion": "b"}, "Example 3 is missing key 'messages'"),
        (chat(USER, ASSISTANT, tools=[FUNCTION]), 'Line 3, key "tools": Each item needs'),
        (
            chat(USER, ASSISTANT, functions=[]),
            'Line 3, key "functions": List should have 1 to 128',
        ),
        (chat(USER, ASSISTANT, parallel_tool_calls=1), 'key "parallel_tool_calls": Input should'),
    ],
)
def test_faults_of_chat_examples(check, line, message):
    with pytest.raises(FileRefused) as refused:
        check([GOOD, GOOD, line, GOOD])
    assert refused.value.code == "invalid_training_file"
    assert str(refused.value).startswith(f"{IN_FILE}Invalid file format. ")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"prompt": "a"}, "Example 2 is missing key 'completion'"),
        ({"completion": "a"}, "Example 2 is missing key 'prompt'"),
        ({"prompt": 1, "completion": "a"}, 'Line 2, key "prompt": Input should be a valid string'),
        (GOOD, "Example 2 is missing key 'prompt'"),
    ],
)
def test_faults_of_completion_examples(check, line, message):
    with pytest.raises(FileRefused) as refused:
        check([{"prompt": "a", "completion": "b"}, line])
    assert str(refused.value) == f"{IN_FILE}Invalid file format. {message}"


@pytest.mark.parametrize("good", [GOOD, {"prompt": "a", "completion": "b"}])
def test_an_unknown_key_is_a_format_error(check, good):
    with pytest.raises(FileRefused) as refused:
        check([good, {**good, "weight": 1}])
    assert refused.value.code == "invalid_file_format"
    assert str(refused.value) == (
        "The job failed due to a file format error in the training file. "
        'Invalid file format. Example 2 contains an extra "weight".'
    )


def test_preference_data_need_another_method(check):
    line = {"input": {"messages": [USER]}, "preferred_output": [], "non_preferred_output": []}
    with pytest.raises(FileRefused, match="fine-tune-preference format, but .* not using 'dpo'"):
        check([line] * 10)


@pytest.mark.parametrize(
    ("line", "name"),
    [(GOOD, "fine-tune-chat"), ({"prompt": "a", "completion": "b"}, "fine-tune-completion")],
)
def test_preference_training_needs_preference_data(check, line, name):
    with pytest.raises(FileRefused) as refused:
        check([line] * 10, method="dpo")
    assert refused.value.code == "invalid_training_file"
    assert str(refused.value) == (
        f"{IN_FILE}Invalid file format. Input file file-x is in the {name} format, but the"
        " specified fine-tuning job is not using 'supervised' as the training method"
        " (provided method=dpo). "
    )


PREFERENCE = {
    "input": {"messages": [USER]},
    "preferred_output": [ASSISTANT],
    "non_preferred_output": [{**ASSISTANT, "content": "No"}],
}
ONE_MESSAGE = "Input should be a list of exactly one message"


def test_good_preferences(check):
    given = {"messages": [USER, ASSISTANT, USER], "tools": [], "parallel_tool_calls": True}
    assert check([PREFERENCE, {**PREFERENCE, "input": given}] * 5, method="dpo") == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": None}, 'Line 2, key "input": Input should be a valid dictionary'),
        ({"input": {}}, "Example 2 is missing key 'input.messages'"),
        ({"input": {"messages": []}}, 'key "messages": List should have at least 1 item'),
        ({"input": {"messages": [{"role": "user"}]}}, f'message 1, key "content": {MISSING}'),
        ({"input": {"messages": [USER], "seed": 1}}, 'Example 2 contains an extra "seed".'),
        ({"preferred_output": "Hi"}, f'Line 2, key "preferred_output": {ONE_MESSAGE}'),
        ({"preferred_output": [ASSISTANT] * 2}, f'key "preferred_output": {ONE_MESSAGE}'),
        (
            {"non_preferred_output": [USER]},
            "Example 2 must have at least one message from the assistant"
            ' (in "non_preferred_output")',
        ),
        (
            {"non_preferred_output": [{**ASSISTANT, "content": 3}]},
            f'message 1, key "content": {NO_STRING} (in "non_preferred_output")',
        ),
        ({"score": 1}, 'Example 2 contains an extra "score".'),
    ],
)
def test_faults_of_preferences(check, change, message):
    with pytest.raises(FileRefused) as refused:
        check([PREFERENCE, {**PREFERENCE, **change}], method="dpo")
    assert message in str(refused.value)


@pytest.mark.parametrize("key", list(PREFERENCE))
def test_a_preference_with_a_key_missing(check, key):
    line = {name: value for name, value in PREFERENCE.items() if name != key}
    with pytest.raises(FileRefused, match=f"Example 2 is missing key '{key}'"):
        check([PREFERENCE, line], method="dpo")


def test_neither_format(check):
    with pytest.raises(FileRefused) as refused:
        check([{"question": "a", "answer": "b"}] * 10)
    assert str(refused.value) == (
        f"{IN_FILE}Unexpected file format,"
        " expected either prompt/completion pairs or chat messages."
    )


def test_the_number_of_examples(check):
    with pytest.raises(FileRefused) as refused:
        check([GOOD] * 9)
    assert refused.value.code == "invalid_n_examples"
    assert check([GOOD], rules.VALIDATION) == 1
    with pytest.raises(FileRefused, match="Validation file has 0 example"):
        check([], rules.VALIDATION)


def test_blank_lines_are_passed_over_but_counted(tmp_path):
    path = tmp_path / "train.jsonl"
    good = json.dumps(GOOD)
    path.write_text(f"{good}\n\n  \r\n{good}\n\n", encoding="utf-8")
    assert [number for number, _ in rules.read_examples(path)] == [1, 4]


@pytest.mark.skipif(os.name != "posix", reason="measures memory as POSIX does")
@pytest.mark.parametrize(
    ("part", "times", "message"),
    [
        (json.dumps(GOOD) + "\n", 1_000_000, "Example 1000001 is missing key 'messages'"),
        ("[],", 10_000_000, "Line 1 has more than 2097152 bytes"),
    ],
    ids=["a million lines", "a huge line"],
)
def test_the_size_of_a_file_takes_no_memory(tmp_path, part, times, message):
    path = tmp_path / "train.jsonl"
    path.write_text(part * times + "{}\n", encoding="utf-8")
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from practice_server.formats import rules\n"
        "memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = memory()\n"
        "try: rules.check_file(Path(sys.argv[1]), 'file-x', rules.TRAINING)\n"
        "except rules.FileRefused as refused: print(refused)\n"
        "assert memory() < 1.2 * before"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert message in done.stdout, done.stderr
    assert done.returncode == 0, done.stderr
