"""Adamax: Adam with the largest gradient of late where Adam has the average square.

    m ← β₁ · m + (1 − β₁) · g
    u ← max(β₂ · u, |g| + ε)         fades by β₂ in each step, until a larger gradient comes
    w ← w − lr / (1 − β₁ᵗ) · m / u

An average of p-th powers becomes a maximum as p goes to infinity; Adam's is p = 2. A maximum starts with the
first gradient, so only m needs a correction for having begun at 0.

Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980, algorithm 2;
with ε, as PyTorch has it, in case all gradients are 0.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import at_zero, follow, like, loss_gradient, update_rule

__all__ = ["Adamax"]


@update_rule("Adamax", state=("step", "exp_avg", "exp_inf"))
def adamax_step(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    m: Array,
    u: Array,
    betas: Array,
    lr: Array,
    *,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, ...]:
    """The new weights, count of steps, average gradient and fading maximum."""
    g = loss_gradient(w, g, weight_decay, maximize)
    t = t + 1
    m = like(B, betas[0], w) * m + like(B, 1 - betas[0], w) * g
    u = B.xp.maximum(like(B, betas[1], w) * u, B.xp.abs(g) + eps)
    return w - like(B, lr / (1 - betas[0] ** t), w) * (m / u), t, m, u


class Adamax(Optimizer):
    """Adam by the maximum norm: no element ever moves much further than lr in a step.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the learning rate.
        betas: how much of the average and of the maximum is kept, 0 ... 1.
        eps: added to the size of each gradient, so that no division fails.
        weight_decay: how strongly weights are pulled to 0.
        maximize: go uphill.

    Raises:
        ArgumentError: a negative option, or a beta that is not in 0 ... 1.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor([1.0, 1.0], requires_grad=True)
    >>> optimizer = tc.optim.Adamax([w], lr=0.1)
    >>> (w * tc.tensor([1000.0, 0.001])).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9, 0.9], requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        return at_zero(parameter, "exp_avg", "exp_inf")

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        follow(adamax_step, parameter, gradient, state, group)
