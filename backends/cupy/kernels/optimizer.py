"""Steps of SGD and Adam by the kernels of `optimizer.cu`; the rules stand in `tinygrad_cnn/optim`.

Like the rules, these return new arrays, for one parameter after the other. `update_in_place` takes the same
step for all parameters in few launches and writes over weights and state: that is for plans, which know that
nobody needs the old ones. What changes from step to step (learning rate, momentum, betas, count) is read on
the device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.optim import adam as adam_rules
from tinygrad_cnn.optim import sgd as sgd_rules

from .choice import instead_of
from .launch import THREADS, address, blocks_for, c_type, launch
from .layout import in_rows
from .upkeep import count_up

WEIGHTS = ("float32", "float64")  # what the kernels move: floats of 16 bits lose small steps
MOST_BLOCKS = 128  # for each array: with others beside it, enough to fill a GPU, few powers to compute
MOST_ARRAYS, MOST_STATES = 40, 3  # of the `Arrays` of optimizer.cu
ADDRESSES = (np.uint64, MOST_ARRAYS)
STATES = (np.uint64, (MOST_STATES, MOST_ARRAYS))
TABLE = np.dtype(
    [
        ("w", *ADDRESSES),
        ("g", *ADDRESSES),
        ("state", *STATES),
        ("w_new", *ADDRESSES),
        ("state_new", *STATES),
        ("t", *ADDRESSES),
        ("t_new", *ADDRESSES),
        ("n", np.int64, MOST_ARRAYS),
    ]
)
_ADAM = {"eps": float, "weight_decay": float, "decoupled_weight_decay": bool, "maximize": bool}


class _Rule(NamedTuple):
    """What there is to know of an update rule: its kernel, whether it counts, and its options in order."""

    kernel: str
    counts: bool
    states: int
    options: Mapping[str, type]


RULES: Mapping[str, _Rule] = {
    "gradient_descent": _Rule("gradient_descent", False, 0, {"weight_decay": float, "maximize": bool}),
    "momentum_descent": _Rule(
        "momentum_descent",
        False,
        1,
        {"dampening": float, "weight_decay": float, "nesterov": bool, "maximize": bool},
    ),
    "adam_step": _Rule("adam", True, 2, _ADAM),
    "amsgrad_step": _Rule("adam", True, 3, _ADAM),
}


class _Parameter(NamedTuple):
    """What one parameter's step reads and writes; `t_new` is None where somebody else counts."""

    w: Array
    g: Array
    state: Sequence[Array]
    w_new: Array
    state_new: Sequence[Array]
    t: Array | None = None
    t_new: Array | None = None


def are_weights(w: Array) -> bool:
    """Whether the kernels are compiled for such weights."""
    return w.dtype.name in WEIGHTS


def update_in_place(
    B: Backend,
    rule: str,
    parameters: Sequence[Sequence[Array]],
    *moving: Array,
    guard: Array | None = None,
    **options: Any,
) -> None:
    """Take a step for many parameters at once, over their weights and state.

    Args:
        B: the backend.
        rule: the operation that computes the step of one parameter: "momentum_descent".
        parameters: for each of them what the rule takes: weight, gradient and state. All of one dtype;
            weights and state lie by rows, and no two of them in the same memory.
        moving: the rule's further arrays, such as the learning rate.
        guard: a 0-d bool; where it is False, everything stays as it is. None for a step in any case.
        options: its keyword-only arguments.
    """
    known = RULES[rule]
    steps, counts = [], []
    for w, g, *state in parameters:
        t = state.pop(0) if known.counts else None
        steps.append(_Parameter(w, in_rows(g), state, w, state, t))
        counts += [] if t is None else [t]
    _launch(B, known, steps, moving, options, guard)
    # Every block has read how many steps there were before, so only now may the counts change.
    count_up(counts, [1] * len(counts), guard)


@instead_of(sgd_rules.gradient_descent, are_weights)
def gradient_descent(B: Backend, w: Array, g: Array, lr: Array, **options: Any) -> Array:
    """w − lr · g."""
    (w_new,) = _step(B, "gradient_descent", w, g, [], (lr,), options)
    return w_new


@instead_of(sgd_rules.momentum_descent, are_weights)
def momentum_descent(
    B: Backend, w: Array, g: Array, v: Array, momentum: Array, lr: Array, **options: Any
) -> tuple[Array, ...]:
    """A step along the running sum v of the gradients, and the new v."""
    return _step(B, "momentum_descent", w, g, [v], (momentum, lr), options)


@instead_of(adam_rules.adam_step, are_weights)
def adam_step(
    B: Backend, w: Array, g: Array, t: Array, m: Array, v: Array, betas: Array, lr: Array, **options: Any
) -> tuple[Array, ...]:
    """One step of Adam: the new weights, count of steps and averages."""
    return _step(B, "adam_step", w, g, [m, v], (betas, lr), options, t)


@instead_of(adam_rules.amsgrad_step, are_weights)
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
    return _step(B, "amsgrad_step", w, g, [m, v, v_max], (betas, lr), options, t)


def _step(
    B: Backend,
    rule: str,
    w: Array,
    g: Array,
    state: Sequence[Array],
    moving: Sequence[Array],
    options: Mapping[str, Any],
    t: Array | None = None,
) -> tuple[Array, ...]:
    """The step of one parameter into new memory: (w, t where there is one, *state)."""
    xp = B.xp
    w, g, *state = map(in_rows, (w, g, *state))
    w_new, *state_new = (xp.empty(w.shape, dtype=w.dtype) for _ in range(1 + len(state)))
    t_new = None if t is None else xp.empty((), dtype=xp.int64)
    parameter = _Parameter(w, g, state, w_new, state_new, t, t_new)
    _launch(B, RULES[rule], [parameter], moving, options)
    return (w_new, *([] if t_new is None else [t_new]), *state_new)


def _launch(
    B: Backend,
    rule: _Rule,
    parameters: Sequence[_Parameter],
    moving: Sequence[Array],
    options: Mapping[str, Any],
    guard: Array | None = None,
) -> None:
    """As many parameters at once as a kernel's arguments can name."""
    moving = [in_rows(B.xp.asarray(option, dtype=B.xp.float64)) for option in moving]
    constants = [kind(options[name]) for name, kind in rule.options.items()]
    for first in range(0, len(parameters), MOST_ARRAYS):
        some = parameters[first : first + MOST_ARRAYS]
        blocks = blocks_for(max(parameter.w.size for parameter in some))[0]
        grid = (min(max(blocks, 1), MOST_BLOCKS), len(some))  # one at least: it counts the step
        types = (c_type(some[0].w),)
        launch("optimizer.cu", rule.kernel, types, grid, (THREADS,), _table(some), guard, *moving, *constants)


def _table(parameters: Sequence[_Parameter]) -> np.ndarray[Any, Any]:
    """The `Arrays` of optimizer.cu."""
    table = np.zeros((), TABLE)
    for place, parameter in enumerate(parameters):
        for name in ("w", "g", "w_new", "t", "t_new"):
            array = getattr(parameter, name)
            table[name][place] = 0 if array is None else address(array)
        for name in ("state", "state_new"):
            for number, array in enumerate(getattr(parameter, name)):
                table[name][number, place] = address(array)
        table["n"][place] = parameter.w.size
    return table
