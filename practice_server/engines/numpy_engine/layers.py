"""The parts of the decoder, each with its gradient beside it.

A forward function returns its result and what its backward function will need, as a named tuple
if that is more than one array. A backward
function takes the gradient of the loss with respect to that result (`d_…`), writes the gradients
of its weights where it is told, and returns the gradient with respect to its input.

The tokens of a batch lie one after another, n rows in all, whichever example they belong to:
nothing is padded. Only attention looks at where examples begin and end.

The formulas are those of Llama (Touvron et al., 2023, arXiv:2302.13971, section 2.2).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class NormSaved(NamedTuple):
    """x̂, (n, width), and s, (n, 1)."""

    normed: np.ndarray
    scale: np.ndarray


class SwigluSaved(NamedTuple):
    """g, u, σ(g) and g · σ(g), each (n, inner)."""

    gate: np.ndarray
    up: np.ndarray
    sigmoid: np.ndarray
    opened: np.ndarray


def linear(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """y = x Wᵀ. x: (n, inputs), weight: (outputs, inputs), y: (n, outputs)."""
    return x @ weight.T


def linear_backward(
    d_y: np.ndarray, x: np.ndarray, weight: np.ndarray, d_weight: np.ndarray
) -> np.ndarray:
    """dW = dyᵀ x and dx = dy W."""
    np.matmul(d_y.T, x, out=d_weight)
    return d_y @ weight


def rms_norm(x: np.ndarray, weight: np.ndarray, eps: float) -> tuple[np.ndarray, NormSaved]:
    """Scale each row to a root mean square of 1, then each column by its weight.

    y = w · x̂ with x̂ = x · s and s = 1 / sqrt(mean(x²) + eps). x, y: (n, width), weight: (width,).
    """
    scale = 1 / np.sqrt(np.vecdot(x, x)[:, None] / x.shape[-1] + eps)
    normed = x * scale
    return normed * weight, NormSaved(normed, scale)


def rms_norm_backward(
    d_y: np.ndarray, saved: NormSaved, weight: np.ndarray, d_weight: np.ndarray
) -> np.ndarray:
    """dw = Σ dy · x̂ over the rows, and dx = s · (dx̂ − x̂ · mean(dx̂ · x̂)) with dx̂ = dy · w.

    The second term takes away what would only change the row's length, which the norm undoes.
    """
    np.einsum("nw,nw->w", d_y, saved.normed, out=d_weight)
    d_normed = d_y * weight
    along = np.vecdot(d_normed, saved.normed)[:, None] / saved.normed.shape[-1]
    return (d_normed - saved.normed * along) * saved.scale


def rotation_table(
    n_positions: int, head_size: int, theta: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cosine and sine of the angles by which each position turns, each (positions, head_size / 2).

    The angle of pair i at position p is p · theta^(−2i / head_size) (Su et al., arXiv:2104.09864).
    """
    speeds = theta ** (-np.arange(0, head_size, 2) / head_size)
    angles = np.arange(n_positions)[:, None] * speeds
    return np.cos(angles), np.sin(angles)


def rotate(x: np.ndarray, cosine: np.ndarray, sine: np.ndarray) -> np.ndarray:
    """Turn each pair of numbers by its position's angle.

    x: (n, heads, head_size); cosine, sine: (n, 1, head_size / 2). Number i pairs with number
    i + head_size / 2, as in Hugging Face's `rotate_half`. The gradient turns back: the same with
    −sine.
    """
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    turned = np.empty_like(x)
    turned[..., :half] = first * cosine - second * sine
    turned[..., half:] = second * cosine + first * sine
    return turned


def attention(
    query: np.ndarray, key: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each token gathers the values of the tokens up to itself, by likeness of query and key.

    P = softmax(Q Kᵀ / sqrt(head_size)) and Y = P V, per head. query: (t, heads, head_size); key,
    value: (s, heads, head_size) with s ≥ t: the queries are those of the last t of s tokens.
    Returns Y, (t, heads, head_size), and P, (heads, t, s).
    """
    t, s = len(query), len(key)
    query, key, value = (x.transpose(1, 0, 2) for x in (query, key, value))
    scores = query @ key.transpose(0, 2, 1)
    scores *= query.shape[-1] ** -0.5
    if t > 1:
        scores += np.triu(np.full((t, s), -np.inf, scores.dtype), k=s - t + 1)
    scores -= scores.max(axis=-1, keepdims=True)
    weights = np.exp(scores, out=scores)
    weights /= weights.sum(axis=-1, keepdims=True)
    return (weights @ value).transpose(1, 0, 2), weights


def attention_backward(
    d_y: np.ndarray, query: np.ndarray, key: np.ndarray, value: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """dV = Pᵀ dY, dP = dY Vᵀ, dS = P · (dP − Σ dP · P), dQ = dS K and dK = dSᵀ Q, both scaled.

    All but the weights P, (heads, t, t), are (t, heads, head_size). Returns dQ, dK, dV.
    """
    d_y, query, key, value = (x.transpose(1, 0, 2) for x in (d_y, query, key, value))
    d_value = weights.transpose(0, 2, 1) @ d_y
    d_scores = d_y @ value.transpose(0, 2, 1)
    d_scores -= np.vecdot(d_scores, weights)[..., None]
    d_scores *= weights
    d_scores *= query.shape[-1] ** -0.5
    d_query = d_scores @ key
    d_key = d_scores.transpose(0, 2, 1) @ query
    return tuple(x.transpose(1, 0, 2) for x in (d_query, d_key, d_value))


def swiglu(gate_up: np.ndarray) -> tuple[np.ndarray, SwigluSaved]:
    """h = g · σ(g) · u: the gate g decides how much of u passes (Shazeer, arXiv:2002.05202).

    gate_up: (n, 2 · inner), the gates first; h: (n, inner).
    """
    inner = gate_up.shape[-1] // 2
    gate, up = gate_up[:, :inner], gate_up[:, inner:]
    sigmoid = 1 / (1 + np.exp(-gate))
    opened = gate * sigmoid
    return opened * up, SwigluSaved(gate, up, sigmoid, opened)


def swiglu_backward(d_hidden: np.ndarray, saved: SwigluSaved) -> np.ndarray:
    """du = dh · g · σ(g) and dg = dh · u · (σ(g) + g · σ(g) · (1 − σ(g)))."""
    gate, up, sigmoid, opened = saved
    inner = gate.shape[-1]
    d_gate_up = np.empty((len(gate), 2 * inner), gate.dtype)
    d_gate_up[:, :inner] = d_hidden * up * (sigmoid + opened * (1 - sigmoid))
    d_gate_up[:, inner:] = d_hidden * opened
    return d_gate_up


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The surprise at each target, −log p(target), in nats, and the gradient of their sum.

    logits: (m, vocabulary), overwritten; targets: (m,). Returns (m,) and (m, vocabulary): the
    gradient is softmax(logits), less 1 at the target.
    """
    rows = np.arange(len(targets))
    logits -= logits.max(axis=-1, keepdims=True)
    at_target = logits[rows, targets]
    probabilities = np.exp(logits, out=logits)
    total = probabilities.sum(axis=-1, keepdims=True)
    probabilities /= total
    probabilities[rows, targets] -= 1
    return np.log(total[:, 0]) - at_target, probabilities
