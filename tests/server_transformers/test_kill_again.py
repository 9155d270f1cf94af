"""Tests of the server's ends, expected or not, in which a model goes on from a saved state."""

from tests.server.test_kill import (  # noqa: F401
    pytestmark,
    test_a_killed_trainer_is_replaced,
    test_a_stopped_server_leaves_no_process_and_goes_on_later,
    undisturbed,
)
