"""JAX: a network is a pure function of its weights; grad transforms that function, jit compiles the step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import networks as net
import numpy as np
from jax import lax

from peers import LEARNING_RATE, MOMENTUM, Peer

# The only state that a forward pass changes: the running mean and variance of each batch norm, in order.
Statistics = list[tuple[jax.Array, jax.Array]]
HERE = ("NCHW", "OIHW", "NCHW")


class Jax(Peer):
    def __init__(self, network: net.Network, weights: list[Any], *, threads: int) -> None:
        self.weights = [jnp.asarray(weight) for weight in weights]
        self.velocities = [jnp.zeros_like(weight) for weight in self.weights]
        self.statistics = [(jnp.zeros(c), jnp.ones(c)) for c in _batch_norms(network)]
        self.key = jax.random.key(0)

        def loss_of(weights: Any, statistics: Statistics, key: jax.Array, x: Any, y: Any) -> Any:
            run = _Run(weights, statistics, key)
            logits = run(network, x)
            loss = -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean()
            return loss, run.new_statistics

        # donate_argnums: the old weights' memory is taken for the new ones.
        @jax.jit(donate_argnums=(0, 1, 2))
        def step(weights: Any, velocities: Any, statistics: Any, key: Any, x: Any, y: Any) -> Any:
            key, mask = jax.random.split(key)
            value_and_grad = jax.value_and_grad(loss_of, has_aux=True)
            (loss, statistics), gradients = value_and_grad(weights, statistics, mask, x, y)
            velocities = jax.tree.map(lambda v, g: MOMENTUM * v + g, velocities, gradients)
            weights = jax.tree.map(lambda w, v: w - LEARNING_RATE * v, weights, velocities)
            return weights, velocities, statistics, key, loss

        @jax.jit
        def predict(weights: Any, statistics: Any, x: Any) -> Any:
            return _Run(weights, statistics, key=None)(network, x)

        self._step, self._predict = step, predict

    def batch(self, x: Any, y: Any) -> tuple[Any, Any]:
        return jnp.asarray(x), jnp.asarray(y, dtype=jnp.int32)

    def step(self, x: Any, y: Any) -> float:
        state = (self.weights, self.velocities, self.statistics, self.key)
        self.weights, self.velocities, self.statistics, self.key, loss = self._step(*state, x, y)
        return float(loss)

    def predict(self, x: Any) -> np.ndarray[Any, Any]:
        return np.asarray(self._predict(self.weights, self.statistics, x))


class _Run:
    """One forward pass: hands out the weights in order, and collects the new statistics.

    Without a key it is an evaluation: stored statistics, no dropout.
    """

    def __init__(self, weights: Any, statistics: Statistics, key: jax.Array | None) -> None:
        self.weights = iter(weights)
        self.statistics = iter(statistics)
        self.key = key
        self.new_statistics: Statistics = []

    def __call__(self, network: net.Network, x: jax.Array) -> jax.Array:
        for layer in network:
            x = self._apply(layer, x)
        return x

    def _apply(self, layer: net.Layer, x: jax.Array) -> jax.Array:
        match layer:
            case net.Conv(stride=stride, padding=padding):
                w, edges = next(self.weights), [(padding, padding)] * 2
                y = lax.conv_general_dilated(x, w, (stride, stride), edges, dimension_numbers=HERE)
                return y + next(self.weights)[:, None, None] if layer.bias else y
            case net.BatchNorm():
                return self._batch_norm(x)
            case net.ReLU():
                return jax.nn.relu(x)
            case net.MaxPool(size):
                window = (1, 1, size, size)
                return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")
            case net.Flatten():
                return x.reshape(len(x), -1)
            case net.GlobalMean():
                return x.mean(axis=(2, 3))
            case net.Dropout(p):
                return self._dropout(p, x)
            case net.Linear():
                return x @ next(self.weights).T + next(self.weights)
            case net.Residual():
                return self(layer.body, x) + self(layer.shortcut, x)

    def _batch_norm(self, x: jax.Array) -> jax.Array:
        scale, shift = next(self.weights), next(self.weights)
        mean, variance = next(self.statistics)
        if self.key is not None:
            count, rate = x.size // x.shape[1], net.BATCH_NORM_MOMENTUM
            batch_mean, batch_variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
            unbiased = batch_variance * count / (count - 1)
            self.new_statistics.append(
                (mean + rate * (batch_mean - mean), variance + rate * (unbiased - variance))
            )
            mean, variance = batch_mean, batch_variance
        factor = scale * lax.rsqrt(variance + net.BATCH_NORM_EPSILON)
        return x * factor[:, None, None] + (shift - mean * factor)[:, None, None]

    def _dropout(self, p: float, x: jax.Array) -> jax.Array:
        if self.key is None or p == 0:
            return x
        self.key, key = jax.random.split(self.key)
        return jnp.where(jax.random.bernoulli(key, 1 - p, x.shape), x / (1 - p), 0)


def _batch_norms(network: net.Network) -> Iterator[int]:
    """The channels of each batch norm, in the order of the forward pass."""
    for layer in network:
        if isinstance(layer, net.BatchNorm):
            yield layer.channels
        elif isinstance(layer, net.Residual):
            yield from _batch_norms((*layer.body, *layer.shortcut))
