"""Attempts at the exercises of lesson 04."""

import math

from helpers.tokens import default_epochs, total_steps


def right_1():
    return ["international", " administration", " responsibility"]


def wrong_1():
    return [
        ("antidisestablishmentarianism", "6 tokens"),
        ("administration", "2 tokens"),
        ("France", "6 letters"),
        ("-" * 16, "of letters only"),
        (13, "a text"),
    ]


def right_2():
    return [17 / 59, 0.27, 0.3]


def wrong_2():
    return [
        (17, "between 0 and 1"),
        (27.4, "between 0 and 1"),
        (0.5, "17 of 59"),
        (0.1, "17 of 59"),
        ("a third", "between 0 and 1"),
    ]


def right_3():
    def by_hand(n_examples, batch_size):
        return math.ceil(n_examples * default_epochs(n_examples) / batch_size)

    def with_total_steps(n_examples, batch_size):
        epochs = default_epochs(n_examples)
        return total_steps(n_examples, n_epochs=epochs, batch_size=batch_size)

    return [by_hand, with_total_steps]


def wrong_3():
    def rounded_each_epoch(n_examples, batch_size):
        return math.ceil(n_examples / batch_size) * default_epochs(n_examples)

    def rounded_down(n_examples, batch_size):
        return n_examples * default_epochs(n_examples) // batch_size

    def always_three(n_examples, batch_size):
        return math.ceil(n_examples * 3 / batch_size)

    def without_batches(n_examples, batch_size):
        return n_examples * default_epochs(n_examples)

    return [
        (rounded_each_epoch, "round up once"),
        (rounded_down, "round up once"),
        (always_three, "default epochs"),
        (without_batches, "round up once"),
        (138, "no function"),
    ]


def right_4():
    return [
        ((1500, 20, 1000), (1500, 500, 1000)),
        ([5000, 100, 60], [600, 200.0, 1_000_000]),
    ]


def wrong_4():
    never = (1500, 500, 1000)
    return [
        (((1500, 17, 100), never), "a month has only 100"),
        (((60, 17, 100_000), never), "so it never pays"),
        (((1500, 20, 1000), (60, 17, 1000)), "more than 500"),
        (((1500, 20, 1000), (1500, 17, 10)), "What makes a tuned call dear?"),
        (((1500, 20), never), "three numbers"),
        (((1500, 20, 1000), "never"), "three numbers"),
    ]
