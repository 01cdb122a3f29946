"""RMSprop: gradient descent along gradients that were divided by their usual size.

    v ← α · v + (1 − α) · g²          the average squared gradient
    m ← α · m + (1 − α) · g           centered: the average gradient too, so that v − m² is a variance
    d = g / (√v + ε)   or   g / (√(v − m²) + ε)

    w ← w − lr · d                    as `SGD` does with g; with momentum
    u ← momentum · u + d,  w ← w − lr · u

Every element moves at about the same speed, whether its gradients are large or small. ε stands outside the
root.

Sources: Hinton, "Neural Networks for Machine Learning", Coursera 2012, lecture 6e; centered: Graves,
"Generating Sequences With Recurrent Neural Networks", arXiv:1308.0850, equations 38 to 45 (with ε inside of
the root).
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import advance, at_zero, follow, loss_gradient, update_rule
from tinygrad_cnn.optim.sgd import gradient_descent, momentum_descent

__all__ = ["RMSprop"]


@update_rule("g/√v", state=("step", "square_avg"))
def rms_scaled(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    v: Array,
    lr: Array,
    *,
    alpha: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, ...]:
    """The gradient over its root mean square, and the new count of steps and average."""
    g = loss_gradient(w, g, weight_decay, maximize)
    v = alpha * v + (1 - alpha) * (g * g)
    return g / (B.xp.sqrt(v) + eps), t + 1, v


@update_rule("g/σ", state=("step", "square_avg", "grad_avg"))
def deviation_scaled(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    v: Array,
    m: Array,
    lr: Array,
    *,
    alpha: float,
    eps: float,
    weight_decay: float,
    maximize: bool,
) -> tuple[Array, ...]:
    """The gradient over its standard deviation, and the new count of steps and averages."""
    g = loss_gradient(w, g, weight_decay, maximize)
    v = alpha * v + (1 - alpha) * (g * g)
    m = alpha * m + (1 - alpha) * g
    return g / (B.xp.sqrt(v - m * m) + eps), t + 1, v, m


class RMSprop(Optimizer):
    """Each element's gradient is divided by its root mean square, or centered by its standard deviation.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the learning rate.
        alpha: how much of the averages is kept, 0 ... 1.
        eps: added to the root, so that no division fails.
        weight_decay: how strongly weights are pulled to 0.
        momentum: how much of the last direction is kept.
        centered: take the average gradient off first.
        maximize: go uphill.

    Raises:
        ArgumentError: a negative option.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor([1.0, 1.0], requires_grad=True)
    >>> optimizer = tc.optim.RMSprop([w], lr=0.1, alpha=0.75)
    >>> (w * tc.tensor([1000.0, 0.1])).sum().backward()
    >>> optimizer.step()  # 0.1 / √0.25
    >>> w
    tensor([0.8, 0.8], requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        wanted = {"square_avg": True, "momentum_buffer": group["momentum"], "grad_avg": group["centered"]}
        return at_zero(parameter, *[name for name, is_wanted in wanted.items() if is_wanted])

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        scaled = deviation_scaled if group["centered"] else rms_scaled
        direction = advance(scaled, parameter, gradient, state, group)
        # Weight decay and the sense of direction are in it already.
        done = {"weight_decay": 0.0, "maximize": False}
        if group["momentum"]:
            done.update(dampening=0.0, nesterov=False)
            follow(momentum_descent, parameter, direction, state, group, **done)
        else:
            follow(gradient_descent, parameter, direction, state, group, **done)
