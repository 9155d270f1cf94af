"""Attempts at the exercises of lesson 00."""


def right_2():
    return [500, 500.0]


def wrong_2():
    return [(300, "each example once"), (105, "each example once"), ("many", "each example once")]
