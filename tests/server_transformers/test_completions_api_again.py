"""The tests of `tests/server/test_completions_api.py`, with the transformers engine."""

from tests.server.test_completions_api import *  # noqa: F403
