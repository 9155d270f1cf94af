"""Attempts at the exercises of lesson 07."""

from statistics import mean


def right_1():
    def with_if(pause):
        if pause * 1.5 > 60:
            return 60
        return pause * 1.5

    return [with_if, lambda pause: min(pause * 1.5, 60), lambda pause: min(60, pause + pause / 2)]


def wrong_1():
    return [
        (lambda pause: pause * 1.5, "60 is the most"),
        (lambda pause: min(pause * 2, 60), "times 1.5"),
        (lambda pause: max(pause * 1.5, 60), "expected 7.5"),
        (lambda pause: min(pause, 60), "times 1.5"),
        (7.5, "no function"),
    ]


def right_2():
    return [5, 5.0]


def wrong_2():
    return [
        (4, "the last step"),
        (45, "count the tenth steps"),
        (3, "count the tenth steps"),
        ("five", "count the tenth steps"),
        ([10, 20, 30, 40, 45], "count the tenth steps"),
    ]


def right_3():
    def with_loop(values, size):
        means = []
        while values:
            window, values = values[:size], values[size:]
            means.append(sum(window) / len(window))
        return means

    def in_one_line(values, size):
        starts = range(0, len(values), size)
        return tuple(mean(values[start : start + size]) for start in starts)

    return [with_loop, in_one_line]


def wrong_3():
    def sliding(values, size):
        starts = range(len(values) - size + 1)
        return [mean(values[start : start + size]) for start in starts]

    def without_the_rest(values, size):
        starts = range(0, len(values) - size + 1, size)
        return [mean(values[start : start + size]) for start in starts]

    def rest_over_size(values, size):
        starts = range(0, len(values), size)
        return [sum(values[start : start + size]) / size for start in starts]

    return [
        (sliding, "one window only"),
        (without_the_rest, "expected [4.0, 1.0]"),
        (rest_over_size, "expected [4.0, 1.0]"),
        (lambda values, size: min(values), "expected [3.0, 1.0]"),
    ]


def right_4():
    def far_above_the_best(losses):
        return bool(losses) and losses[-1] > 1.2 * min(losses)

    def two_rises(losses):
        return len(losses) > 2 and losses[-1] > losses[-2] > losses[-3]

    def no_gain_for_two_epochs(losses):
        return len(losses) > 2 and min(losses[-2:]) > min(losses[:-2])

    return [far_above_the_best, two_rises, no_gain_for_two_epochs]


def wrong_4():
    def any_rise(losses):
        return len(losses) > 1 and losses[-1] > losses[-2]

    def ever_risen(losses):
        pairs = zip(losses, losses[1:], strict=False)
        return sum(after > before for before, after in pairs) > 0

    return [
        (any_rise, "may be chance"),
        (ever_risen, "may be chance"),
        (lambda losses: losses[-1] > losses[0], "IndexError"),
        (lambda losses: len(losses) > 1 and losses[-1] > losses[0] + 1, "epoch after epoch"),
        (lambda losses: bool(losses) and losses[-1] < 0.3, "still falls"),
    ]
