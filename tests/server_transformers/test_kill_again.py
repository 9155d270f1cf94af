"""The tests of `tests/server/test_kill.py`, with the transformers engine."""

from tests.server.test_kill import *  # noqa: F403
