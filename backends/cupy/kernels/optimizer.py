"""Steps of SGD and Adam by the kernels of `optimizer.cu`; the rules stand in `tinygrad_cnn/optim`.

Like the rules, these return new arrays. They take any shape, so also one long array that holds the weights of
all layers. What changes from step to step (learning rate, momentum, betas, count) is read on the device.
"""

from __future__ import annotations

from typing import Any

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.optim import adam as adam_rules
from tinygrad_cnn.optim import sgd as sgd_rules

from .choice import instead_of
from .launch import THREADS, blocks_for, c_type, launch
from .layout import in_rows

MOST_BLOCKS = 1024  # threads of a grid-stride loop: enough to fill a large GPU, few powers to compute


@instead_of(sgd_rules.gradient_descent)
def gradient_descent(
    B: Backend, w: Array, g: Array, lr: Array, *, weight_decay: float, maximize: bool
) -> Array:
    """w − lr · g."""
    w, g = map(in_rows, (w, g))
    w_new = B.xp.empty(w.shape, dtype=w.dtype)
    options = (float(weight_decay), bool(maximize))
    _launch("gradient_descent", w, w, g, _moving(B.xp, lr), w.size, *options, w_new)
    return w_new


@instead_of(sgd_rules.momentum_descent)
def momentum_descent(
    B: Backend,
    w: Array,
    g: Array,
    v: Array,
    momentum: Array,
    lr: Array,
    *,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
) -> tuple[Array, Array]:
    """A step along the running sum v of the gradients, and the new v."""
    w, g, v = map(in_rows, (w, g, v))
    w_new, v_new = (B.xp.empty(w.shape, dtype=w.dtype) for _ in range(2))
    moving = (_moving(B.xp, momentum), _moving(B.xp, lr))
    options = (float(dampening), float(weight_decay), bool(nesterov), bool(maximize))
    _launch("momentum_descent", w, w, g, v, *moving, w.size, *options, w_new, v_new)
    return w_new, v_new


@instead_of(adam_rules.adam_step)
def adam_step(
    B: Backend, w: Array, g: Array, t: Array, m: Array, v: Array, betas: Array, lr: Array, **options: Any
) -> tuple[Array, ...]:
    """One step of Adam: the new weights, count of steps and averages."""
    return _adam(B, w, g, t, (m, v), betas, lr, **options)


@instead_of(adam_rules.amsgrad_step)
def amsgrad_step(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    m: Array,
    v: Array,
    v_max: Array,
    betas: Array,
    lr: Array,
    **options: Any,
) -> tuple[Array, ...]:
    """One step of Adam that divides by the largest average square so far."""
    return _adam(B, w, g, t, (m, v, v_max), betas, lr, **options)


def _adam(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    averages: tuple[Array, ...],
    betas: Array,
    lr: Array,
    *,
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> tuple[Array, ...]:
    xp = B.xp
    w, g, *averages_in_rows = map(in_rows, (w, g, *averages))
    w_new, *new = (xp.empty(w.shape, dtype=w.dtype) for _ in range(1 + len(averages)))
    t_new = xp.empty((), dtype=xp.int64)
    options = (float(eps), float(weight_decay), bool(decoupled_weight_decay), bool(maximize))
    nothing = (None,) * (3 - len(averages))  # no v_max
    state = (*averages_in_rows, *nothing, _moving(xp, betas), _moving(xp, lr))
    _launch("adam", w, w, g, t, *state, w.size, *options, w_new, t_new, *new, *nothing)
    return w_new, t_new, *new


def _moving(xp: Any, option: Array) -> Array:
    """An option that changes from step to step, as the kernels read it."""
    return in_rows(xp.asarray(option, dtype=xp.float64))


def _launch(kernel: str, w: Array, *arguments: Any) -> None:
    grid = (min(max(blocks_for(w.size)[0], 1), MOST_BLOCKS),)  # one at least: it counts the step
    launch("optimizer.cu", kernel, (c_type(w),), grid, (THREADS,), *arguments)
