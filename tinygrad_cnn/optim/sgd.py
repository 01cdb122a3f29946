"""Stochastic gradient descent: walk downhill, if you like with momentum.

    w ← w − lr · g                           plain: g is the gradient

    v ← momentum · v + (1 − dampening) · g   with momentum: v is a running sum of gradients, so that
    w ← w − lr · v                           directions that agree add up and zigzags cancel

    w ← w − lr · (g + momentum · v)          Nesterov's: the gradient counts once more

A weight decay λ adds λ · w to the gradient, which pulls every weight towards 0. The first v is the first
gradient, undampened.

Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013, in
PyTorch's arrangement, where the learning rate stands outside of v.
"""

from __future__ import annotations

from tinygrad_cnn._tape import tape
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.ops.creation import zeros_like
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import follow, like, loss_gradient, update_rule

__all__ = ["SGD"]


@update_rule("SGD")
def gradient_descent(
    B: Backend, w: Array, g: Array, lr: Array, *, weight_decay: float, maximize: bool
) -> Array:
    """A step downhill: w − lr · g."""
    g = loss_gradient(w, g, weight_decay, maximize)
    return w - like(B, lr, w) * g


@update_rule("SGD", state=("momentum_buffer",))
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
    g = loss_gradient(w, g, weight_decay, maximize)
    kept = like(B, momentum, w)
    v = kept * v + (1 - dampening) * g
    direction = g + kept * v if nesterov else v
    return w - like(B, lr, w) * direction, v


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and weight decay if wanted.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the learning rate, how far a step goes.
        momentum: how much of the last direction is kept, 0 ... 1; 0.9 is usual.
        dampening: how much less the newest gradient counts in the momentum.
        weight_decay: how strongly weights are pulled to 0.
        nesterov: let the gradient count once more, as if seen from where momentum leads.
        maximize: go uphill.

    Raises:
        ArgumentError: a negative option; Nesterov without momentum or with dampening.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(1.0, requires_grad=True)
    >>> optimizer = tc.optim.SGD([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w
    tensor(0.8, requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        if nesterov and (momentum == 0 or dampening != 0):
            raise ArgumentError(
                "Nesterov's momentum looks ahead along an undampened momentum",
                argument="nesterov",
                expected="momentum > 0 and dampening = 0",
                got=f"momentum={momentum}, dampening={dampening}",
            )
        options = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        return {"momentum_buffer": zeros_like(parameter)} if group["momentum"] else {}

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        if not group["momentum"]:
            follow(gradient_descent, parameter, gradient, state, group)
            return
        is_first = parameter not in self.state
        listening = tape()
        if listening is not None and group["dampening"]:
            listening.depends_on(lambda: parameter not in self.state)
        dampening = 0.0 if is_first else group["dampening"]
        follow(momentum_descent, parameter, gradient, state, group, dampening=dampening)
