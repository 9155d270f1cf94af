"""The tests of `tests/server/test_preferences_api.py`, with the transformers engine."""

from tests.server.test_preferences_api import *  # noqa: F403
