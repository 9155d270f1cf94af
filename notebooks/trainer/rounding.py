"""Weights in few bits: what remains of a matrix when each number is rounded to a few steps."""

import numpy as np

BLOCK = 64  # so many weights share one scale


def rounded(matrix, bits):
    """The matrix, float32, after rounding to `bits` bits a number and back.

    With n bits a number is one of 2^n − 1 even steps from −1 to 1, times the scale of its block,
    the largest size of a number in it. (QLoRA's steps are not even: arXiv:2305.14314, section 3.)
    """
    blocks = matrix.reshape(-1, BLOCK)
    scale = np.abs(blocks).max(axis=1, keepdims=True)
    n_steps = 2 ** (bits - 1) - 1
    return (np.round(blocks / scale * n_steps) / n_steps * scale).reshape(matrix.shape)


def round_model(model, bits):
    """Round the matrices of a model's layers in place; embedding and norms stay as they are."""
    for name, tensor in model.weights.tensors.items():
        if name.endswith("_proj.weight"):
            tensor[:] = rounded(tensor, bits)
