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

from tinygrad_cnn._op import op
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Spec
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.ops.creation import zeros_like
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, ParamGroup, not_negative

__all__ = ["SGD"]


@op(symbol="SGD", infer=lambda w, g, lr, **_: Spec(w.shape, w.dtype), public=False)
def gradient_descent(B: Backend, w: Array, g: Array, lr: Array, *, weight_decay: float) -> Array:
    """A step downhill: w − lr · g."""
    if weight_decay:
        g = g + weight_decay * w
    return w - B.xp.astype(lr, w.dtype) * g


@op(
    symbol="SGD",
    infer=lambda w, g, v, lr, **_: (Spec(w.shape, w.dtype), Spec(v.shape, v.dtype)),
    outputs=("w", "v"),
    public=False,
)
def momentum_descent(
    B: Backend,
    w: Array,
    g: Array,
    v: Array,
    lr: Array,
    *,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
) -> tuple[Array, Array]:
    """A step along the running sum v of the gradients, and the new v."""
    if weight_decay:
        g = g + weight_decay * w
    v = momentum * v + (1 - dampening) * g
    direction = g + momentum * v if nesterov else v
    return w - B.xp.astype(lr, w.dtype) * direction, v


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum and weight decay if wanted.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the learning rate, how far a step goes.
        momentum: how much of the last direction is kept, 0 ... 1; 0.9 is usual.
        dampening: how much less the newest gradient counts in the momentum.
        weight_decay: how strongly weights are pulled to 0.
        nesterov: let the gradient count once more, as if seen from where momentum leads.

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
    ) -> None:
        not_negative("momentum", momentum)
        not_negative("weight_decay", weight_decay)
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
        }
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> dict[str, Tensor]:
        return {"momentum_buffer": zeros_like(parameter)} if group["momentum"] else {}

    def update(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: ParamGroup
    ) -> None:
        decay = group["weight_decay"]
        if not group["momentum"]:
            parameter.assign(gradient_descent(parameter, gradient, group.rate, weight_decay=decay))
            return
        velocity = state["momentum_buffer"]
        is_first = velocity.storage.version == 0  # never assigned to: the zeros it was made of
        moved, new_velocity = momentum_descent(
            parameter,
            gradient,
            velocity,
            group.rate,
            momentum=group["momentum"],
            dampening=0.0 if is_first else group["dampening"],
            weight_decay=decay,
            nesterov=group["nesterov"],
        )
        parameter.assign(moved)
        velocity.assign(new_velocity)
