"""Tests of the server's chat and completions in which the model speaks, with real tensors."""

from tests.server.test_chat_api import (  # noqa: F401
    ask,
    test_a_seed_repeats_an_answer_and_choices_differ,
    test_logprobs,
    test_streamed_text_is_the_whole_text,
    test_the_tuned_model_has_learnt_how_answers_end,
    test_without_a_limit_an_answer_ends_with_the_context,
)
from tests.server.test_completions_api import (  # noqa: F401
    complete,
    test_a_token_that_is_half_a_character_shows_its_bytes,
    test_an_echoed_prompt_is_scored_as_what_was_generated,
    test_logprobs_stand_side_by_side,
    test_the_best_is_the_likeliest_on_average,
    test_the_tuned_model_goes_on_as_it_was_taught,
    test_without_a_prompt_a_text_is_begun,
    tuned,
)
