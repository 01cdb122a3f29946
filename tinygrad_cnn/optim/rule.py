"""Update rules: what an optimizer computes from a weight, its gradient and what it remembers.

    @update_rule("Adam", state=("step", "exp_avg", "exp_avg_sq"))
    def adam_step(B, w, g, t, m, v, betas, lr, *, eps, weight_decay):
        ...
        return w, t + 1, m, v

A rule is an operation. It takes the weight, the gradient, the state in the order of its names, options that
schedules move and, last, the learning rate, and returns the new weight and the new state; keyword-only
arguments are options of the parameter group that stay as they are. Like every kernel it is pure, so it can be
recorded and replayed: everything that changes from step to step comes in as an array, the learning rate and
the count of steps too.

The learning rate and the count are 0-d arrays in float64 and int64, so that terms such as 1 − βᵗ lose no
digits; `like` brings what becomes of them to the weight's dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_cnn._op import Op, op
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import HasSpec, Spec, int64
from tinygrad_cnn.ops.creation import zeros, zeros_like
from tinygrad_cnn.optim.optimizer import State
from tinygrad_cnn.optim.options import ParamGroup


def update_rule(symbol: str, *, state: Sequence[str] = ()) -> Callable[[Callable[..., Any]], Op]:
    """Declare an operation (w, g, *state, *moving, lr) → (w, *state); `state` has the names of PyTorch."""

    def as_before(w: HasSpec, g: HasSpec, *rest: HasSpec, **_: Any) -> Spec | tuple[Spec, ...]:
        """What a rule returns looks like what it replaces."""
        new = tuple(Spec(x.shape, x.dtype) for x in (w, *rest[: len(state)]))
        return new if len(new) > 1 else new[0]

    return op(symbol=symbol, infer=as_before, outputs=("w", *state), public=False)


def follow(
    rule: Op, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup, **options: Any
) -> None:
    """Take the step that a rule computes: assign the new weight and the new state.

    Args:
        rule: made by `update_rule`.
        parameter, gradient, state, group: as `Optimizer.update` gets them.
        options: those that the group does not have, or that are something else in this step.
    """
    parameter.assign(advance(rule, parameter, gradient, state, group, **options))


def advance(
    rule: Op, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup, **options: Any
) -> Tensor:
    """The weight that a rule computes, not yet assigned; the state is."""
    names = rule.outputs[1:]
    moving = [group.number(name) for name in rule.input_names[2 + len(names) :]]
    options = {name: group[name] for name in rule.param_names if name not in options} | options
    new = rule(parameter, gradient, *[state[name] for name in names], *moving, **options)
    weight, *remembered = new if names else (new,)
    for name, value in zip(names, remembered, strict=True):
        state[name].assign(value)
    return weight  # type: ignore[no-any-return]


def at_zero(parameter: Tensor, *averages: str) -> State:
    """What is remembered before the first step: no steps counted, and averages of that name at 0."""
    steps = zeros((), dtype=int64, backend=parameter.backend)
    return {"step": steps, **{name: zeros_like(parameter) for name in averages}}


# --- inside of rules ------------------------------------------------------------------------------


def like(B: Backend, number: Array, w: Array) -> Array:
    """A 0-d array in the dtype of the weight."""
    return B.xp.asarray(number, dtype=w.dtype)


def loss_gradient(w: Array, g: Array, weight_decay: float, maximize: bool) -> Array:
    """The gradient of what is made small: of −loss to maximize, and of loss + ½ · λ · |w|² with decay λ."""
    if maximize:
        g = -g
    return g + weight_decay * w if weight_decay else g


def decayed(
    B: Backend, w: Array, g: Array, lr: Array, weight_decay: float, decoupled: bool, maximize: bool
) -> tuple[Array, Array]:
    """Weight and gradient to start from: decoupled decay shrinks the weight, the other bends the gradient.

    Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101.
    """
    if decoupled and weight_decay:
        return w - like(B, lr * weight_decay, w) * w, loss_gradient(w, g, 0.0, maximize)
    return w, loss_gradient(w, g, weight_decay, maximize)
