"""Adadelta: a step as long as steps usually are, so that no learning rate has to be found.

    v ← ρ · v + (1 − ρ) · g²             the average squared gradient
    d = √(u + ε) / √(v + ε) · g          the step, in the units of the weights
    u ← ρ · u + (1 − ρ) · d²             the average squared step
    w ← w − lr · d

A gradient has the units of loss per weight, and a weight should not move by such a number. Dividing by √v
takes the gradient's size away, and multiplying by √u brings in that of a step. ε stands inside of the roots
here: √ε is what the very first step is made of.

Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", arXiv:1212.5701, algorithm 1.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import at_zero, follow, like, loss_gradient, update_rule

__all__ = ["Adadelta"]


@update_rule("Adadelta", state=("step", "square_avg", "acc_delta"))
def adadelta_step(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    v: Array,
    u: Array,
    lr: Array,
    *,
    rho: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, ...]:
    """The new weights, count of steps, and average squares of gradients and steps."""
    g = loss_gradient(w, g, weight_decay, maximize)
    v = rho * v + (1 - rho) * (g * g)
    d = B.xp.sqrt(u + eps) / B.xp.sqrt(v + eps) * g
    u = rho * u + (1 - rho) * (d * d)
    return w - like(B, lr, w) * d, t + 1, v, u


class Adadelta(Optimizer):
    """Each element's step is as long as its steps have been lately.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: a factor for all steps; the method needs none.
        rho: how much of the averages is kept, 0 ... 1.
        eps: added inside of both roots.
        weight_decay: how strongly weights are pulled to 0.
        maximize: go uphill.

    Raises:
        ArgumentError: a negative option, or a rho that is not in 0 ... 1.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(1.0, requires_grad=True)
    >>> optimizer = tc.optim.Adadelta([w], rho=0.75, eps=0.25)
    >>> (w * 1.0).backward()
    >>> optimizer.step()
    >>> round(1 - w.item(), 4)  # √0.25 / √(0.25 · 1² + 0.25)
    0.7071
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        return at_zero(parameter, "square_avg", "acc_delta")

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        follow(adadelta_step, parameter, gradient, state, group)
