"""Adagrad: steps become shorter where there was much to go down already.

    G ← G + g²                                     the sum of all squared gradients, per element
    w ← w − lr / (1 + (t − 1) · lr_decay) · g / (√G + ε)

Elements that rarely get a gradient, such as the weights of rare words, keep long steps. But G only grows, so
in a long training every step becomes tiny; `Adadelta` and `RMSprop` forget old gradients instead.

Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
Optimization", JMLR 12 (2011).
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.ops.creation import full
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import at_zero, follow, like, loss_gradient, update_rule

__all__ = ["Adagrad"]


@update_rule("Adagrad", state=("step", "sum"))
def adagrad_step(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    total: Array,
    lr: Array,
    *,
    lr_decay: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, ...]:
    """The new weights, count of steps and sum of squared gradients."""
    g = loss_gradient(w, g, weight_decay, maximize)
    total = total + g * g
    length = like(B, lr / (1 + t * lr_decay), w)  # t steps before this one
    return w - length * (g / (B.xp.sqrt(total) + eps)), t + 1, total


class Adagrad(Optimizer):
    """Adaptive gradient: each element's step is divided by the root of all its squared gradients so far.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the learning rate, the length of the first step of each element.
        lr_decay: how fast the learning rate falls: after t steps it is lr / (1 + t · lr_decay).
        weight_decay: how strongly weights are pulled to 0.
        initial_accumulator_value: what the sum of squared gradients begins with.
        eps: added to the root of the sum, so that no division fails.
        maximize: go uphill.

    Raises:
        ArgumentError: a negative option.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor([1.0, 1.0], requires_grad=True)
    >>> optimizer = tc.optim.Adagrad([w], lr=0.1)
    >>> (w * tc.tensor([1000.0, 0.001])).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9, 0.9], requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        first = group["initial_accumulator_value"]
        total = full(parameter.shape, first, dtype=parameter.dtype, backend=parameter.backend)
        return {**at_zero(parameter), "sum": total}

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        follow(adagrad_step, parameter, gradient, state, group)
