"""The decoder: embedding, layers of attention and MLP, and the way back for the gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from practice_server.engines.engine import TokenSequence
from practice_server.engines.numpy_engine import layers
from practice_server.engines.numpy_engine.config import Config
from practice_server.engines.numpy_engine.parameters import Layer, Parameters

# From a layer's query, key and value, each (n, heads, head_size), to what each token gathered,
# of the same shape, and whatever the way back will need. Who looks at whom is all that differs:
#
#     in a batch, of two sequences      a b c d e     in an answer, whose       the old | new
#     a:  a        d:  d                              first tokens are read     c:  a b | c
#     b:  a b      e:  d e                            already
#     c:  a b c
Attend = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, Any]]


@dataclass(frozen=True)
class Batch:
    """Sequences one after another: n tokens in, and the m of them whose successor is learnt.

    A sequence's last token predicts nothing and is left out.
    """

    tokens: np.ndarray
    """(n,): token numbers."""
    positions: np.ndarray
    """(n,): each token's place in its own sequence, from 0."""
    spans: list[slice]
    """Where each sequence lies among the n."""
    rows: np.ndarray
    """(m,): which of the n predict a token that counts."""
    targets: np.ndarray
    """(m,): the tokens that they should predict."""

    @classmethod
    def of(cls, sequences: Sequence[TokenSequence]) -> Batch:
        """Lay sequences, each of at least two tokens, side by side."""
        lengths = [len(sequence.tokens) - 1 for sequence in sequences]
        ends = np.cumsum(lengths).tolist()
        following = np.concatenate([sequence.tokens[1:] for sequence in sequences])
        learnt = np.concatenate([sequence.trained_on[1:] for sequence in sequences])
        rows = np.flatnonzero(learnt)
        return cls(
            tokens=np.concatenate([sequence.tokens[:-1] for sequence in sequences]),
            positions=np.concatenate([np.arange(length) for length in lengths]),
            spans=[slice(end - length, end) for end, length in zip(ends, lengths, strict=True)],
            rows=rows,
            targets=following[rows],
        )


class AttentionSaved(NamedTuple):
    """What the way back through an attention block needs, and cannot quickly make again."""

    norm: layers.NormSaved
    rotation: tuple[np.ndarray, np.ndarray]
    query: np.ndarray
    key: np.ndarray
    value: np.ndarray
    attend: Any
    attended: np.ndarray


class MLPSaved(NamedTuple):
    """What the way back through an MLP block needs, and cannot quickly make again."""

    norm: layers.NormSaved
    swiglu: layers.SwigluSaved


class Model:
    """A Llama-style decoder; its output weights are its embedding."""

    def __init__(self, config: Config, dtype: type = np.float32) -> None:
        """A model whose weights are still zero. float64 is for checking gradients."""
        self.config = config
        self.weights = Parameters(config, dtype)
        cosine, sine = layers.rotation_table(
            config.max_position_embeddings, config.head_size, config.rope_theta
        )
        self._cosine: np.ndarray = cosine.astype(dtype)[:, None]
        self._sine: np.ndarray = sine.astype(dtype)[:, None]

    @classmethod
    def load(cls, folder: Path, dtype: type = np.float32) -> Model:
        """Read `config.json` and `model.safetensors`; ValueError where they do not fit."""
        model = cls(Config.load(folder), dtype)
        model.weights.load(folder)
        return model

    def forward(
        self,
        tokens: np.ndarray,
        positions: np.ndarray,
        rows: np.ndarray,
        attends: Sequence[Attend],
        trace: list | None = None,
    ) -> np.ndarray:
        """The logits, (m, vocabulary), of what follows the m tokens at `rows`.

        tokens, positions: (n,), rows: (m,). `attends` says, for each layer, which tokens look at
        which. A list given as `trace` is filled with what `backward` needs.
        """
        keep = (lambda saved: None) if trace is None else trace.append
        rotation = self._cosine[positions], self._sine[positions]
        x = self.weights.embedding[tokens]
        for layer, attend in zip(self.weights.layers, attends, strict=True):
            x, attention_saved = self._attention_block(x, layer, rotation, attend)
            if layer is self.weights.layers[-1]:
                x = x[rows]  # nobody looks at the other tokens any more
            x, mlp_saved = self._mlp_block(x, layer)
            keep((attention_saved, mlp_saved))
        normed, saved = layers.rms_norm(x, self.weights.norm, self.config.rms_norm_eps)
        keep((normed, saved))
        return layers.linear(normed, self.weights.embedding)

    def forward_batch(self, batch: Batch, trace: list | None = None) -> np.ndarray:
        """The logits, (m, vocabulary), with which a batch's targets are predicted."""
        attends = [partial(_attend_within, batch.spans)] * self.config.num_hidden_layers
        return self.forward(batch.tokens, batch.positions, batch.rows, attends, trace)

    def backward(
        self, batch: Batch, trace: list, d_logits: np.ndarray, gradients: Parameters
    ) -> None:
        """Fill `gradients` from those of the logits, going back through what `trace` kept."""
        normed, saved = trace.pop()
        d_normed = layers.linear_backward(
            d_logits, normed, self.weights.embedding, gradients.embedding
        )
        d_x = layers.rms_norm_backward(d_normed, saved, self.weights.norm, gradients.norm)
        # A block is x + branch(x): the gradient passes the sum unchanged, and the branch adds its
        # own.
        for layer, d_layer in zip(self.weights.layers[::-1], gradients.layers[::-1], strict=True):
            attention_saved, mlp_saved = trace.pop()
            d_x += self._mlp_block_backward(d_x, mlp_saved, layer, d_layer)
            if layer is self.weights.layers[-1]:
                d_x = _scattered(d_x, batch.rows, len(batch.tokens))
            d_x += self._attention_block_backward(d_x, attention_saved, layer, d_layer)
        # The embedding is used twice: as output weights above, and here as input.
        np.add.at(gradients.embedding, batch.tokens, d_x)

    def _attention_block(
        self, x: np.ndarray, layer: Layer, rotation: tuple, attend: Attend
    ) -> tuple[np.ndarray, AttentionSaved]:
        """x + attention(norm(x)): each token takes from those before it. x: (n, width)."""
        n, heads = len(x), self.config.num_attention_heads
        normed, norm = layers.rms_norm(x, layer.attention_norm, self.config.rms_norm_eps)
        mixed = layers.linear(normed, layer.query_key_value).reshape(n, 3 * heads, -1)
        mixed[:, : 2 * heads] = layers.rotate(mixed[:, : 2 * heads], *rotation)
        query, key, value = np.split(mixed, 3, axis=1)
        attended, kept = attend(query, key, value)
        attended = attended.reshape(n, -1)
        saved = AttentionSaved(norm, rotation, query, key, value, kept, attended)
        return x + layers.linear(attended, layer.attention_output), saved

    def _attention_block_backward(
        self, d_y: np.ndarray, saved: AttentionSaved, layer: Layer, d_layer: Layer
    ) -> np.ndarray:
        n, heads = len(d_y), self.config.num_attention_heads
        d_attended = layers.linear_backward(
            d_y, saved.attended, layer.attention_output, d_layer.attention_output
        ).reshape(saved.query.shape)
        d_mixed = np.empty((n, 3, *saved.query.shape[1:]), d_y.dtype)
        for at, weights in saved.attend:
            d_mixed[at, 0], d_mixed[at, 1], d_mixed[at, 2] = layers.attention_backward(
                d_attended[at], saved.query[at], saved.key[at], saved.value[at], weights
            )
        d_mixed = d_mixed.reshape(n, 3 * heads, -1)
        cosine, sine = saved.rotation
        d_mixed[:, : 2 * heads] = layers.rotate(d_mixed[:, : 2 * heads], cosine, -sine)
        d_normed = layers.linear_backward(
            d_mixed.reshape(n, -1),
            saved.norm.normed * layer.attention_norm,
            layer.query_key_value,
            d_layer.query_key_value,
        )
        return layers.rms_norm_backward(
            d_normed, saved.norm, layer.attention_norm, d_layer.attention_norm
        )

    def _mlp_block(self, x: np.ndarray, layer: Layer) -> tuple[np.ndarray, MLPSaved]:
        """x + mlp(norm(x)): each token thinks by itself. x: (n, width)."""
        normed, norm = layers.rms_norm(x, layer.mlp_norm, self.config.rms_norm_eps)
        hidden, swiglu = layers.swiglu(layers.linear(normed, layer.gate_up))
        return x + layers.linear(hidden, layer.down), MLPSaved(norm, swiglu)

    def _mlp_block_backward(
        self, d_y: np.ndarray, saved: MLPSaved, layer: Layer, d_layer: Layer
    ) -> np.ndarray:
        hidden = saved.swiglu.opened * saved.swiglu.up
        normed = saved.norm.normed * layer.mlp_norm
        d_hidden = layers.linear_backward(d_y, hidden, layer.down, d_layer.down)
        d_gate_up = layers.swiglu_backward(d_hidden, saved.swiglu)
        d_normed = layers.linear_backward(d_gate_up, normed, layer.gate_up, d_layer.gate_up)
        return layers.rms_norm_backward(d_normed, saved.norm, layer.mlp_norm, d_layer.mlp_norm)


def _scattered(d_x: np.ndarray, rows: np.ndarray, n: int) -> np.ndarray:
    """(m, width) gradients in their places among n tokens; the others have none."""
    scattered = np.zeros((n, d_x.shape[-1]), d_x.dtype)
    scattered[rows] = d_x
    return scattered


def _attend_within(
    spans: list[slice], query: np.ndarray, key: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, list[tuple[slice, np.ndarray]]]:
    """Attention inside each sequence; kept for the way back: for each its span and its weights,
    (heads, t, t).
    """
    attended = np.empty_like(query)
    saved = []
    for at in spans:
        attended[at], weights = layers.attention(query[at], key[at], value[at])
        saved.append((at, weights))
    return attended, saved
