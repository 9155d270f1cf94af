"""The rules that make lesson outputs comparable hide what is random, and nothing else."""

import re
from pathlib import Path

import pytest
from nbval.plugin import get_sanitize_patterns

RULES = dict(
    get_sanitize_patterns((Path(__file__).parent / "sanitize.cfg").read_text(encoding="utf-8"))
)


def sanitize(text: str) -> str:
    for pattern, replacement in RULES.items():
        text = re.sub(pattern, replacement, text)
    return text


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ftjob-" + "a1B2c3D4e5F6" * 2, "ftjob-" + "Z9y8X7w6V5u4" * 2),
        ("file-" + "a1B2c3D4e5F" * 2, "file-" + "Z9y8X7w6V5u" * 2),
        (
            "ft:pocket-2026-11-21:practice:marv:Ab12Cd34",
            "ft:pocket-2026-11-21:practice:marv:Zz98Yy76",
        ),
        (
            "ft:pocket-2026-11-21:practice::Ab12Cd34:ckpt-step-60",
            "ft:pocket-2026-11-21:practice::Zz98Yy76:ckpt-step-60",
        ),
        ("http://127.0.0.1:8123/v1", "http://127.0.0.1:49152/v1"),
        ("no price of 127-0-0-1-8123 is known", "no price of 127-0-0-1-49152 is known"),
        ("created_at=1795132800", "created_at=1795139999"),
        ("2026-11-20 14:03", "2027-01-02 09:59"),
        ("took 4.1 seconds", "took 12 seconds"),
    ],
)
def test_what_is_drawn_anew_at_each_run_compares_equal(first, second):
    assert sanitize(first) == sanitize(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("ftjob-123", "ftjob-124"),
        (
            "ft:pocket-2026-11-21:practice:marv:Ab12Cd34",
            "ft:pocket-2026-11-21:practice:joy:Ab12Cd34",
        ),
        (
            "ft:pocket-2026-11-21:practice::Ab12Cd34:ckpt-step-60",
            "ft:pocket-2026-11-21:practice::Ab12Cd34:ckpt-step-120",
        ),
        ("loss 0.41", "loss 0.42"),
        ("trained_tokens=5830", "trained_tokens=5831"),
        ("until 2027-01-06", "until 2027-01-14"),
        ("succeeded", "failed"),
        ("http://127.0.0.1:8123/v1", "https://api.openai.com/v1"),
    ],
)
def test_what_a_reader_would_notice_still_differs(first, second):
    assert sanitize(first) != sanitize(second)
