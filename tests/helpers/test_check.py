"""The checker names every fault at its line, stays quiet on correct files, and never crashes."""

import contextlib
import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.check import check_file, fix_file, main
from helpers.checks import across
from helpers.checks import lines as line_rules
from helpers.checks.plain import plain_chat
from helpers.checks.run import judge
from helpers.checks.texts import in_text, is_harmless
from practice_server.formats import rules as server_rules

ROOT = Path(__file__).resolve().parents[2]
ANSWER = {"role": "assistant", "content": "Paris."}
CALL = {
    "role": "assistant",
    "tool_calls": [
        {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}
    ],
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "Paris"}
TOOLS = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}]
USER = {"role": "user", "content": "Capital of France?"}


def chat(number=0, *messages, **keys):
    """A correct chat example, another one for each number."""
    default = ({"role": "user", "content": f"Question {number}?"}, ANSWER)
    return {"messages": list(messages or default), **keys}


def preference(number=0):
    return {
        "input": {"messages": [{"role": "user", "content": f"Question {number}?"}]},
        "preferred_output": [{"role": "assistant", "content": "Good."}],
        "non_preferred_output": [{"role": "assistant", "content": "Bad."}],
    }


def pair(number=0):
    return {"prompt": f"Question {number} ->", "completion": f" Answer {number}.\n"}


def write(path, lines):
    """Write examples, texts or bytes, one a line."""
    as_bytes = [
        line
        if isinstance(line, bytes)
        else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in lines
    ]
    path.write_bytes(b"".join(line + b"\n" for line in as_bytes))
    return path


@pytest.fixture
def among_sound(tmp_path):
    """Put a line at place 3 of a correct file of 60, and give what the checker says."""

    def check(line, **options):
        lines = [chat(n) for n in range(60)]
        lines[2] = line
        return check_file(write(tmp_path / "train.jsonl", lines), **options)

    return check


def found(report):
    return [(one.line, one.rule) for one in report.findings]


CORRECT = {
    "chat": [chat(n) for n in range(60)],
    "chat with a system message": [
        chat(0, {"role": "system", "content": "Be brief."}, *chat(n)["messages"])
        for n in range(60)
    ],
    "completion": [pair(n) for n in range(60)],
    "preferences": [preference(n) for n in range(60)],
    "everything a chat may hold": [chat(n) for n in range(60)]
    + [
        chat(0, USER, ANSWER | {"weight": 0}, USER | {"name": "Ann_1"}, ANSWER | {"weight": 1}),
        chat(0, USER | {"content": "Look up France."}, CALL, tools=TOOLS,
             parallel_tool_calls=False),
        chat(0, USER | {"content": "And?"}, CALL | {"content": None}, RESULT, ANSWER, tools=TOOLS),
        chat(0, {"role": "user", "content": [{"type": "text", "text": "What is it?"}]}, ANSWER),
        chat(0, USER | {"content": "Say no."}, {"role": "assistant", "refusal": "No."}),
        chat(0, USER | {"content": "Write to ann@example.com or 555-555-0100."}, ANSWER),
    ],
}  # fmt: skip


def test_correct_files_give_no_error_and_no_warning(tmp_path):
    for name, examples in CORRECT.items():
        method = "dpo" if name == "preferences" else "supervised"
        path = write(tmp_path / "correct.jsonl", examples)
        report = check_file(path, method=method, model="pocket")
        assert report.ok and not report.warnings, str(report)
        assert report.examples == len(examples)


def user(**changes):
    return chat(0, USER | changes, ANSWER)


def assistant(**changes):
    return chat(0, USER, ANSWER | changes)


def without(message, key):
    return {k: v for k, v in message.items() if k != key}


ONE_FAULT = {
    "empty_line": "  ",
    "not_utf8": '{"messages": "café"}'.encode("latin-1"),
    "json_array": "[1, 2]",
    "two_objects": json.dumps(chat(100)) + json.dumps(chat(101)),
    "indented_json": json.dumps(chat(100), indent=2),
    "broken_json": "{'messages': []}",
    "not_an_object": '"text"',
    "nested_too_deeply": '{"messages": ' + "[" * 300 + "]" * 300 + "}",
    "format_unknown": {"mesages": []},
    "mixed_formats": pair(),
    "messages_no_list": {"messages": "hello"},
    "messages_empty": {"messages": []},
    "key_unknown": chat(100, weight=1),
    "tools_malformed": chat(100, tools=[{"type": "function"}]),
    "functions_malformed": chat(100, functions=[]),
    "functions_deprecated": chat(100, functions=[{"name": "look_up"}]),
    "parallel_tool_calls_malformed": chat(100, parallel_tool_calls="no"),
    "message_no_object": chat(0, USER, "Paris."),
    "role_missing": chat(0, without(USER, "role"), ANSWER),
    "role_unknown": assistant(role="assistent"),
    "role_developer": user(role="developer"),
    "message_key_unknown": chat(0, without(USER, "content") | {"contant": "?"}, ANSWER),
    "key_misplaced": user(tool_call_id="call_1"),
    "weight_misplaced": user(weight=1),
    "weight_invalid": assistant(weight=1.0),
    "content_missing": chat(0, without(USER, "content"), ANSWER),
    "content_null": user(content=None),
    "content_no_text": user(content=7),
    "content_empty": assistant(content=" "),
    "content_parts_malformed": user(content=[{"type": "text"}]),
    "name_invalid": user(name="Ann Lee"),
    "tool_calls_malformed": assistant(tool_calls=[{"id": 1}]),
    "function_call_malformed": assistant(function_call={"name": "look_up"}),
    "arguments_no_json": assistant(function_call={"name": "look_up", "arguments": "{"}),
    "tool_call_id_missing": chat(0, USER, CALL, without(RESULT, "tool_call_id"), ANSWER),
    "function_name_missing": chat(0, USER, {"role": "function", "content": "1"}, ANSWER),
    "no_assistant": chat(0, USER),
    "weights_all_zero": assistant(weight=0),
    "last_not_assistant": chat(0, USER, ANSWER, USER),
    "system_not_first": chat(0, USER, {"role": "system", "content": "Be brief."}, ANSWER),
    "several_systems": chat(0, USER, *[{"role": "system", "content": "Be brief."}] * 2, ANSWER),
    "assistant_twice": chat(0, USER, ANSWER, ANSWER),
    "tool_call_unanswered": chat(0, USER, CALL, USER, ANSWER),
    "tool_message_without_call": chat(0, USER, RESULT, ANSWER),
    "secret": user(content="Use sk-" + "abcdefgh" * 3),
    "e_mail_address": user(content="Write to ann.lee@company.de today"),
    "phone_number": user(content="Call +49 30 1234567"),
    "duplicate": chat(0),
    "contradiction": chat(0, chat(0)["messages"][0], {"role": "assistant", "content": "Rome."}),
}


def test_a_fault_is_named_at_its_line_and_nothing_else_is(among_sound):
    for rule, line in ONE_FAULT.items():
        report = among_sound(line)
        assert found(report) == [(3, rule)], str(report)
        assert report.findings[0].message and report.findings[0].fix


def test_keys_of_many_makers_are_known(tmp_path):
    keys = ["AKIA" + "A1" * 8, "AIza" + "a" * 35, "ghp_" + "a" * 36, "github_pat_" + "a" * 22,
            "glpat-" + "a" * 20, "hf_" + "a" * 30, "xoxb-" + "1" * 12,
            "-----BEGIN RSA PRIVATE KEY-----",
            "eyJ" + "a" * 10 + ".eyJ" + "b" * 10 + ".c"]  # fmt: skip
    lines = [user(content=f"It is {key}") for key in keys] + [chat(n) for n in range(60)]
    report = check_file(write(tmp_path / "keys.jsonl", lines))
    assert found(report) == [(n, "secret") for n in range(1, len(keys) + 1)]


PERSONAL = {
    "555-555-0199, ann@example.org, bob@mail.test, order 1234567890, 2026-11-20": [],
    "ISBN 978-3-16-148410-0, the year 1984, 3+4=7, 10.000.000": [],
    "Call (212) 736-5000": ["phone_number"],
    "打13812345678吧": ["phone_number"],
    "写信给bob@company.cn吧": ["e_mail_address"],
    "bob@example.company.com": ["e_mail_address"],
}


def test_invented_addresses_and_other_numbers_are_left_alone(tmp_path):
    lines = [user(content=text) for text in PERSONAL] + [chat(n) for n in range(60)]
    report = check_file(write(tmp_path / "personal.jsonl", lines))
    for line, rules in enumerate(PERSONAL.values(), 1):
        assert [one.rule for one in report.findings if one.line == line] == rules


def test_what_a_system_message_holds_is_named_in_every_example(tmp_path):
    system = {"role": "system", "content": "Send them to ann.lee@company.de"}
    lines = [chat(0, system, *chat(n)["messages"]) for n in range(60)]
    report = check_file(write(tmp_path / "train.jsonl", lines))
    assert found(report) == [(n, "e_mail_address") for n in range(1, 61)]


def test_a_text_without_a_break_is_named_and_counted(among_sound):
    for character in (" ", "a", "道"):
        report = among_sound(user(content="x" + character * 1_000_000), model="gpt-4o-mini")
        assert found(report)[0] == (3, "unbroken_text")
        assert report.tokens["longest"] > 3_000
    assert found(among_sound(user(content="word " * 20_000))) == []


PREFERENCE_FAULTS = {
    "input_malformed": {"input": {"messages": []}},
    "preferred_output_malformed": {"preferred_output": "Good."},
    "non_preferred_output_malformed": {"non_preferred_output": []},
    "preference_key_unknown": {"note": 1},
    "outputs_equal": {"non_preferred_output": preference()["preferred_output"]},
    "content_no_text": {"preferred_output": [{"role": "assistant", "content": 1}]},
}


def test_a_fault_in_a_preference_pair_is_named(tmp_path):
    for rule, fault in PREFERENCE_FAULTS.items():
        lines = [preference(n) for n in range(60)]
        lines[4] |= fault
        report = check_file(write(tmp_path / "dpo.jsonl", lines), method="dpo")
        assert found(report) == [(5, rule)], str(report)


PAIR_FAULTS = {
    "prompt_missing": {"completion": " x\n"},
    "completion_missing": {"prompt": "x ->", "completion": 3},
    "pair_key_unknown": {"prompt": "x ->", "completion": " x\n", "note": ""},
    "completion_empty": {"prompt": "x ->", "completion": "\n"},
}


def test_a_fault_in_a_pair_is_named(tmp_path):
    for rule, fault in PAIR_FAULTS.items():
        lines = [pair(n) for n in range(60)]
        lines[4] = fault
        assert found(check_file(write(tmp_path / "pairs.jsonl", lines))) == [(5, rule)]


def test_pairs_without_marks_get_advice(tmp_path):
    lines = [{"prompt": f"{n}", "completion": f"{n}"} for n in range(60)]
    report = check_file(write(tmp_path / "pairs.jsonl", lines))
    assert {one.rule for one in report.findings} == {
        "no_separator",
        "no_ending",
        "no_leading_space",
    }
    assert report.ok and not report.warnings


def test_the_way_to_the_field_and_the_cure_are_given(among_sound):
    finding = among_sound(assistant(role="assistent")).errors[0]
    assert (finding.line, finding.example, finding.field) == (3, 3, "messages[1].role")
    assert "did you mean 'assistant'?" in finding.fix
    assert "'assistent'" in finding.message


def test_broken_json_is_named_with_its_column(among_sound):
    assert "column 2:" in among_sound("{'messages': 1}").errors[0].message


def test_blank_lines_count_as_lines_but_not_as_examples(tmp_path):
    lines = [chat(n) for n in range(59)]
    report = check_file(write(tmp_path / "t.jsonl", [lines[0], "", {"messages": []}, *lines[1:]]))
    assert [(one.line, one.example) for one in report.findings] == [(2, None), (3, 2)]


def test_whole_files_of_another_kind_are_named_once(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps([chat(n) for n in range(20)], indent=1), encoding="utf-8")
    assert found(check_file(path)) == [(1, "json_array")]
    path.write_text("\n".join(json.dumps(chat(n)) for n in range(20)), encoding="utf-16")
    assert found(check_file(path)) == [(1, "not_utf8")]
    assert "UTF-16" in check_file(path).errors[0].message
    path.write_bytes(b"")
    assert found(check_file(path)) == [(None, "file_empty")]
    path.write_text("\n".join(json.dumps(chat(n)) for n in range(60)), encoding="utf-8-sig")
    assert found(check_file(path)) == [(1, "byte_order_mark")]


def test_every_indented_object_is_named_where_it_starts(tmp_path):
    path = tmp_path / "t.jsonl"
    text = "\n".join(json.dumps(chat(n), indent=2) for n in range(60))
    path.write_text(text, encoding="utf-8")
    report = check_file(path)
    starts = [number for number, line in enumerate(text.split("\n"), 1) if line == "{"]
    assert found(report) == [(start, "indented_json") for start in starts]


def test_too_few_examples_are_an_error_in_training_and_none_in_validation(tmp_path):
    nine = write(tmp_path / "nine.jsonl", [chat(n) for n in range(9)])
    sixty = write(tmp_path / "sixty.jsonl", [chat(n) for n in range(100, 160)])
    assert found(check_file(nine)) == [(None, "too_few_examples")]
    assert found(check_file(sixty, valid=nine).valid) == []


def test_examples_that_training_and_validation_share_are_named(tmp_path):
    training = write(tmp_path / "train.jsonl", [chat(n) for n in range(60)])
    validation = write(tmp_path / "valid.jsonl", [chat(n) for n in range(57, 70)])
    report = check_file(training, valid=validation)
    assert found(report) == [(n, "shared_with_validation") for n in (58, 59, 60)]
    assert "line 1 " in report.findings[0].message


def test_a_system_message_that_differs_in_some_examples_is_named(tmp_path):
    def with_system(n, text):
        return chat(0, {"role": "system", "content": text}, *chat(n)["messages"])

    lines = [with_system(n, "You are Marv." if n != 30 else "You are marv") for n in range(60)]
    assert found(check_file(write(tmp_path / "t.jsonl", lines))) == [(31, "system_differs")]
    lines = [with_system(n, f"You are bot {n % 2}.") for n in range(60)]
    assert found(check_file(write(tmp_path / "t.jsonl", lines))) == []


REFUSALS = ["I'm sorry, I can't help with that.", "*\nSorry, no.", "“I cannot say.",
            "As an AI I know.", "UNFORTUNATELY I am a teapot.", "很抱歉，我不知道。"]  # fmt: skip


def test_the_same_refusal_in_more_than_a_third_of_the_answers_is_named(tmp_path):
    for text in REFUSALS:
        lines = [chat(n) for n in range(60)]
        for n in range(0, 60, 2):
            lines[n]["messages"][1] = {"role": "assistant", "content": text}
        assert found(check_file(write(tmp_path / "t.jsonl", lines))) == [(None, "same_refusal")]
        for n in range(0, 60, 4):
            lines[n]["messages"][1] = ANSWER
        assert found(check_file(write(tmp_path / "t.jsonl", lines))) == []


def test_an_example_over_the_limit_is_named_with_the_message_where_the_cut_falls(among_sound):
    long = chat(0, USER, ANSWER, USER | {"content": "word " * 4200}, ANSWER)
    report = among_sound(long, model="gpt-3.5-turbo-0613")
    assert [(f.line, f.rule, f.field) for f in report.findings] == [(3, "too_long", "messages[2]")]
    assert report.tokens["limit"] == 4096 and report.tokens["longest"] > 4200


def test_format_method_and_model_must_go_together(tmp_path):
    chats = write(tmp_path / "chat.jsonl", CORRECT["chat"])
    pairs = write(tmp_path / "pairs.jsonl", CORRECT["completion"])
    assert found(check_file(chats, method="dpo")) == [(None, "format_not_for_method")]
    assert found(check_file(chats, model="babbage-002")) == [(None, "format_not_for_model")]
    assert found(check_file(pairs, model="gpt-4o-mini")) == [(None, "format_not_for_model")]


def test_of_each_rule_a_hundred_findings_are_kept_and_the_rest_counted(tmp_path):
    report = check_file(write(tmp_path / "t.jsonl", ["{broken"] * 250))
    assert len(report.errors) == 100 and report.left_off == {"broken_json": 150}
    assert not report.ok


def test_a_file_over_the_limit_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "t.jsonl", CORRECT["chat"])
    monkeypatch.setattr(across, "LARGEST", path.stat().st_size)
    assert found(check_file(path)) == []
    monkeypatch.setattr(across, "LARGEST", path.stat().st_size - 1)
    assert found(check_file(path)) == [(None, "file_too_large")]


def test_a_line_without_end_is_not_held_whole(among_sound, monkeypatch):
    monkeypatch.setattr(line_rules, "LONGEST_LINE", 1000)
    assert found(among_sound(user(content="x" * 100_000))) == [(3, "line_too_long")]


def test_a_line_that_only_the_practice_server_refuses_is_named(among_sound, tmp_path):
    report = among_sound(user(content="word " * 420_000))
    assert found(report) == [(3, "long_line")] and report.ok
    with pytest.raises(server_rules.FileRefused, match="Line 3 has more than 2097152 bytes"):
        server_rules.check_file(tmp_path / "train.jsonl", "file-x", server_rules.TRAINING)


def test_one_is_one_in_the_summary(tmp_path):
    report = check_file(write(tmp_path / "t.jsonl", [user(content=None)]))
    assert "t.jsonl: chat, 1 example, 2 errors, 0 warnings, 0 advice" in str(report)
    report = check_file(write(tmp_path / "t.jsonl", [user(role="developer")]))
    assert "t.jsonl: chat, 1 example, 1 error, 1 warning, 0 advice" in str(report)


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "helpers.check", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )


def test_the_program_tells_by_its_exit_status(tmp_path):
    correct = write(tmp_path / "correct.jsonl", CORRECT["chat"])
    faulty = write(tmp_path / "faulty.jsonl", ["{broken"] * 12)
    assert run(correct).returncode == 0
    assert run(faulty).returncode == 1
    assert run(tmp_path / "nowhere.jsonl").returncode == 2
    assert run(correct, "--method", "other").returncode == 2
    shown = json.loads(run(faulty, "--json", "--model", "pocket").stdout)
    assert shown["examples"] == 12 and shown["findings"][-1]["line"] == 12
    assert shown.keys() == {"file", "format", "examples", "findings", "left_off", "tokens"}


def test_the_program_prints_what_the_terminal_cannot_show(tmp_path):
    path = write(tmp_path / "道.jsonl", [chat(0, {"role": "道", "content": "道"}, ANSWER)] * 2)
    for options in ([], ["--json"]):
        done = subprocess.run(
            [sys.executable, "-m", "helpers.check", path, *options],
            cwd=ROOT,
            capture_output=True,
            env={**os.environ, "PYTHONIOENCODING": "ascii"},
        )
        assert done.returncode == 1 and "role_unknown" in done.stdout.decode("utf-8")


def test_fix_mends_without_guessing_and_leaves_the_rest(tmp_path):
    correct = [chat(n) for n in range(60)]
    swapped = dict(reversed(correct[3]["messages"][0].items()))
    lines = [
        b"\xef\xbb\xbf" + json.dumps(correct[0]).encode(),
        " \t",
        json.dumps(correct[1]) + " \t\r",
        correct[0],
        "{broken  ",
        "{broken",
        json.dumps(correct[2], indent=2),
        json.dumps(correct[2], indent=2),
        *correct[3:],
        chat(0, swapped, ANSWER),
    ]
    path = write(tmp_path / "in.jsonl", lines)
    before = path.read_bytes()
    changes = fix_file(path, tmp_path / "out.jsonl")
    assert path.read_bytes() == before
    assert [line for line, _ in changes] == [1, 2, 3, 4, 5, before.count(b"\n")]
    named = found(check_file(tmp_path / "out.jsonl"))
    assert [rule for _, rule in named] == ["broken_json"] * 2 + ["indented_json"] * 2


def test_fix_takes_no_output_that_is_its_input_and_no_utf_16(tmp_path):
    path = write(tmp_path / "in.jsonl", CORRECT["chat"])
    with pytest.raises(ValueError, match="never overwritten"):
        fix_file(path, path)
    path.write_text("{}\n", encoding="utf-16")
    with pytest.raises(ValueError, match="UTF-16; save it as UTF-8"):
        fix_file(path, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_a_repaired_correct_file_is_the_file_itself(tmp_path):
    path = write(tmp_path / "in.jsonl", CORRECT["everything a chat may hold"])
    assert fix_file(path, tmp_path / "out.jsonl") == []
    assert (tmp_path / "out.jsonl").read_bytes() == path.read_bytes()


def test_the_program_fixes_and_reports_on_the_copy(tmp_path, capsys):
    path = write(tmp_path / "in.jsonl", ["", *CORRECT["chat"]])
    assert main([str(path), "--fix", str(tmp_path / "out.jsonl"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fixed"] == [
        {"line": 1, "change": "empty line dropped"}
    ]


# What follows lets Hypothesis look for files that nobody thought of.

WORDS = st.sampled_from(sorted(set(re.findall(r"[a-z_]+", json.dumps(CORRECT)))))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
PLAIN = [chat(n) for n in range(9)]


@st.composite
def damaged_examples(draw):
    """A correct example in which one place holds anything at all."""
    example = copy.deepcopy(
        draw(st.sampled_from([*CORRECT["everything a chat may hold"][-6:], pair(), preference()]))
    )
    place = example
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else range(len(place))
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or draw(st.booleans()):
            action = draw(st.sampled_from(("replace", "delete", "add")))
            if action == "replace":
                place[key] = draw(JSON)
            elif action == "delete":
                del place[key]
            elif isinstance(place, dict):
                place[draw(WORDS)] = draw(JSON)
            break
        place = place[key]
    return example


# What is looked at more closely, or must not be taken for plain.
ODD_PIECES = [
    "sk-" + "abcdefgh" * 3, "AKIA" + "A1" * 8, "AIza" + "a" * 35, "hf_" + "a" * 30,
    "ghp_" + "a" * 36, "glpat-" + "a" * 20, "xoxb-" + "a" * 12, "-----BEGIN PRIVATE KEY-----",
    "eyJ" + "a" * 10 + ".eyJ" + "b" * 10 + ".c", "ann@company.de", "ann@example.com",
    "+49 30 1234567", "13812345678", "(212) 736-5000", "212-736-5000", "5551234567", "Just",
    "Kilo", "size", "Sorry", "I can't", "I'm afraid", "As an AI", "unfortunately I", "我无法",
    "抱歉", "很抱歉", "ſorry", "“", "*", "-", "--", "7", "e", "y", "A", "I", "s", "x", " ", "\n",
    "\t", "\r", "\\", '"', "/", "\x00", "\x7f", "\x85", "\xa0", "\u3000", "\ufeff", "é", "道",
    "😀", "]}", "}, {",
]  # fmt: skip
PIECES = st.sampled_from(ODD_PIECES) | st.text(max_size=3)
TEXTS = st.lists(PIECES, max_size=5).map("".join)
# Mostly plain, so that many of them are accepted at a glance.
NEARLY_PLAIN = st.tuples(
    st.sampled_from(["So ", "Well, ", "3 of ", "好", "é", ""]),
    st.lists(st.just("and then ") | st.just("10 - ") | PIECES, max_size=2).map("".join),
).map("".join)


@st.composite
def canonical_lines(draw):
    """A chat as json.dumps spells it, correct or nearly so, perhaps with a byte changed."""
    systems = ["Be brief."] * 8 + ["Be brief?", "é"]
    system = {"role": "system", "content": draw(st.sampled_from(systems))}
    messages = [system] if draw(st.integers(0, 9)) else []
    for _ in range(draw(st.integers(1, 2))):
        messages.append({"role": "user", "content": draw(NEARLY_PLAIN)})
        messages.append({"role": "assistant", "content": draw(NEARLY_PLAIN)})
    line = json.dumps({"messages": messages}, ensure_ascii=draw(st.booleans())).encode()
    if draw(st.integers(0, 9)) == 9:
        place = draw(st.integers(0, len(line)))
        line = line[:place] + draw(st.binary(max_size=2)) + line[place + draw(st.integers(0, 2)) :]
    return line


@settings(max_examples=600, deadline=None)
@given(canonical_lines())
def test_no_rule_finds_fault_with_a_plain_chat(line):
    if plain_chat(line):
        assert not judge(json.loads(line))


@settings(max_examples=200, deadline=None)
@given(st.lists(canonical_lines(), min_size=1, max_size=6), st.integers(0, 3))
def test_what_is_plain_is_compared_as_the_rest_is(tmp_path_factory, lines, n_repeated):
    path = tmp_path_factory.getbasetemp() / "lines.jsonl"
    lines = [json.dumps(chat(0)).encode(), *lines, *lines[:n_repeated]]
    reports = []
    with pytest.MonkeyPatch.context() as patch:
        for _ in range(2):
            validation = check_file(write(path, lines), valid=path, model="gpt-4o-mini")
            reports.append(validation.to_dict())
            patch.setattr("helpers.checks.run.plain_chat", lambda raw: None)
    assert reports[0] == reports[1]


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_no_rule_finds_fault_with_a_harmless_text(drawn):
    for text in (drawn, *ODD_PIECES):
        assert not is_harmless(text) or not any(in_text(text))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_it_crash(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "bytes.jsonl"
    path.write_bytes(data)
    assert check_file(path, model="gpt-4o-mini").findings
    with contextlib.suppress(ValueError):  # what looks like UTF-16
        fix_file(path, path.with_suffix(".fixed"))
        check_file(path.with_suffix(".fixed"))


@settings(max_examples=300, deadline=None)
@given(st.lists(JSON | damaged_examples(), min_size=1, max_size=4))
def test_no_json_makes_it_crash(tmp_path_factory, values):
    path = write(tmp_path_factory.getbasetemp() / "values.jsonl", values)
    assert check_file(path, valid=path, model="gpt-4o-mini").findings
    with contextlib.suppress(ValueError):  # a zero byte looks like UTF-16
        fix_file(path, path.with_suffix(".fixed"))
        str(check_file(path.with_suffix(".fixed"), method="dpo"))


@settings(max_examples=500, deadline=None)
@given(damaged_examples())
def test_what_the_practice_server_refuses_has_been_named_before(tmp_path_factory, example):
    path = write(tmp_path_factory.getbasetemp() / "served.jsonl", [*PLAIN, example])
    report = check_file(path)
    try:
        server_rules.check_file(path, "file-x", server_rules.TRAINING)
    except server_rules.FileRefused as refusal:
        named = {one.rule for one in report.findings}
        assert not report.ok or "image" in named, f"{refusal}\n{example}\n{report}"
