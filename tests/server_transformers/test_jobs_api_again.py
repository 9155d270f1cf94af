"""The tests of `tests/server/test_jobs_api.py`, with the transformers engine."""

from tests.server.test_jobs_api import *  # noqa: F403
