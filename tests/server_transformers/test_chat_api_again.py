"""The tests of `tests/server/test_chat_api.py`, with the transformers engine."""

from tests.server.test_chat_api import *  # noqa: F403
