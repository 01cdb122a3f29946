"""The heavy ball: momentum as lectures write it, as the change that the weights made last.

    W(t+1) = W(t) + α · (W(t) − W(t−1)) + (1 − α) · (−η · ∇L)

A share α of the last change goes on, as a ball keeps rolling, and the rest is a step downhill. `SGD` sums up
gradients and multiplies by the learning rate η afterwards; here η is inside of what is kept. While η stays
the same both are one: SGD(lr=η, momentum=α, dampening=α), but for its first step, which is undampened.

Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; with the factor
1 − α in front of the gradient, which makes the change a weighted average of the steps.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.ops.creation import zeros_like
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import follow, like, loss_gradient, update_rule

__all__ = ["HeavyBall"]


@update_rule("heavy ball", state=("change",))
def heavy_ball_step(
    B: Backend,
    w: Array,
    g: Array,
    change: Array,
    momentum: Array,
    lr: Array,
    *,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, Array]:
    """The new weights, and W(t+1) − W(t): how they changed."""
    g = loss_gradient(w, g, weight_decay, maximize)
    change = like(B, momentum, w) * change + like(B, 1 - momentum, w) * (-like(B, lr, w) * g)
    return w + change, change


class HeavyBall(Optimizer):
    """The lecture's momentum: a share of the last change of the weights, and a step downhill for the rest.

    The change itself is kept, not the weights before it, so that weights loaded from a file are no change.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: η, the learning rate.
        momentum: α, the share of the last change that is kept, 0 ... 1; 0 is plain gradient descent.
        weight_decay: how strongly weights are pulled to 0.
        maximize: go uphill.

    Raises:
        ArgumentError: a negative option.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(1.0, requires_grad=True)
    >>> optimizer = tc.optim.HeavyBall([w], lr=1.0, momentum=0.5)
    >>> for _ in range(2):  # changes: 0.5 · 0 + 0.5 · (−2), then 0.5 · (−1) + 0.5 · (−2)
    ...     optimizer.zero_grad()
    ...     (2 * w).backward()
    ...     optimizer.step()
    >>> w
    tensor(-1.5, requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        return {"change": zeros_like(parameter)}

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        follow(heavy_ball_step, parameter, gradient, state, group)
