"""What the clients' programs share.

The server's address and key come from OPENAI_BASE_URL and OPENAI_API_KEY. Each step prints a line
of JSON: the call, what was done with it, and "ok" or what was wrong. The program ends with 1 if
anything was wrong.
"""

import contextlib
import json
import sys
from typing import Literal

import pydantic

# A model that every client knows; the server has it as an alias.
MODEL = "gpt-4o-mini-2024-07-18"
QUESTION = "What is the capital of France?"
wrong_steps = 0


class Place(pydantic.BaseModel):
    """What an answer may have to be."""

    city: Literal["Paris", "Rome"]
    is_capital: bool


@contextlib.contextmanager
def step(call, what):
    """Print how the steps inside went, and go on in any case."""
    global wrong_steps
    result = "ok"
    try:
        yield
    except Exception as error:
        result = f"{type(error).__name__}: {error}"
        wrong_steps += 1
    print(json.dumps({"call": call, "what": what, "result": result}), flush=True)


def equal(found, expected):
    assert found == expected, f"{found!r} instead of {expected!r}"


def end():
    sys.exit(1 if wrong_steps else 0)
