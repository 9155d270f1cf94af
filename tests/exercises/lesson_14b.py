"""Attempts at the exercises of lesson 14b."""

from itertools import count

from helpers.evaluate import contains, has_fact
from helpers.exercises.lesson_14b import lora_numbers, memory

RIGHT = ["supervised", "preference", "reinforcement", "QLoRA", "distillation"]


def right_1():
    return [lora_numbers(16), float(4 * lora_numbers(4))]


def wrong_1():
    return [
        (lora_numbers(4), "rank 4"),
        (4_475_136, "all matrices"),
        (16 * lora_numbers(4), "all matrices"),
        ("many", "whole number"),
    ]


def right_2():
    def gigabytes(n_weights, bits):
        if bits < 16:
            bits += 16 / 64
        return n_weights * bits / 8 / 10**9

    return [memory, gigabytes]


def wrong_2():
    return [
        (lambda n_weights, bits: n_weights * bits / 8e9, "scale"),
        (lambda n_weights, bits: round(memory(n_weights, bits), 1), "Do not round"),
        (lambda n_weights, bits: 8 * memory(n_weights, bits), "expected 14.0"),
        (3.7, "def"),
    ]


def right_3():
    return [RIGHT, tuple(RIGHT)]


def wrong_3():
    return [
        (RIGHT[:4], "five"),
        ([RIGHT[1], RIGHT[0], *RIGHT[2:]], "situation 1"),
        ([*RIGHT[:3], RIGHT[4], RIGHT[3]], "situation 4"),
        ([*RIGHT[:4], "distill"], "one of"),
    ]


def right_4():
    def brief(text, row):
        return -len(text)

    def names_it(text, row):
        return contains(text, row["entity"]) and has_fact(text, row["fact"])

    return [brief, names_it]


def wrong_4():
    counter = count()
    return [
        (lambda text, row: 1, "nothing to learn"),
        (lambda text, row: "glorious" in text, "nothing to learn"),
        (lambda text, row: text, "number"),
        (lambda text, row: next(counter), "second time"),
        (lambda text, row: row["colour"], "KeyError"),
    ]
