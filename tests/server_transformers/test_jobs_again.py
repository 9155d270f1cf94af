"""Tests of the server's jobs in which a model trains, is saved, and goes on."""

from tests.server.test_jobs_api import (  # noqa: F401
    test_a_finished_job,
    test_a_paused_job_goes_on_with_the_same_losses,
    test_a_tuned_model_can_be_tuned_further,
    test_every_listed_checkpoint_answers_under_its_name,
    test_examples_that_are_too_long_do_not_fail_a_job,
    test_it_has_learnt,
    test_the_same_seed_gives_the_same_losses,
)
from tests.server.test_preferences_api import (  # noqa: F401
    preferring_job,
    test_its_checkpoints_and_result_file,
    test_its_loss_falls_from_where_nothing_is_preferred,
)
