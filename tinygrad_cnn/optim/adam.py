"""Adam: every parameter element has a step length of its own.

    m ← β₁ · m + (1 − β₁) · g        the average gradient: where to
    v ← β₂ · v + (1 − β₂) · g²       the average square: how large gradients are here
    m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
    w ← w − lr · m̂ / (√v̂ + ε)

m and v begin at 0, so the first averages are too small; dividing by 1 − βᵗ after t steps makes up for it.
Gradients ten times larger make the same steps, because m̂ and √v̂ grow together. ε stands outside the root.

Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980, algorithm 1.
"""

from __future__ import annotations

from tinygrad_cnn._op import op
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import Spec, int64
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.ops.creation import zeros, zeros_like
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, ParamGroup, not_negative

__all__ = ["Adam"]


@op(
    symbol="Adam",
    infer=lambda w, g, m, v, t, lr, **_: tuple(Spec(x.shape, x.dtype) for x in (w, m, v, t)),
    outputs=("w", "m", "v", "t"),
    public=False,
)
def adam_step(
    B: Backend,
    w: Array,
    g: Array,
    m: Array,
    v: Array,
    t: Array,
    lr: Array,
    *,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
) -> tuple[Array, Array, Array, Array]:
    """One step of Adam: the new weights, averages and count of steps."""
    xp = B.xp
    beta1, beta2 = betas
    if weight_decay:
        g = g + weight_decay * w
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * (g * g)
    t = t + 1
    # The corrections are computed in float64, where 1 − βᵗ loses no digits.
    steps = xp.astype(t, xp.float64)
    length = xp.astype(lr / (1 - beta1**steps), w.dtype)
    root = xp.astype(xp.sqrt(1 - beta2**steps), w.dtype)
    return w - length * (m / (xp.sqrt(v) / root + eps)), m, v, t


class Adam(Optimizer):
    """Adaptive moments: each element's step is scaled by how large its gradients usually are.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the learning rate; a step is at most about this long.
        betas: how much of the averages of gradient and squared gradient is kept, 0 ... 1.
        eps: added to the root of the average square, so that no division fails.
        weight_decay: how strongly weights are pulled to 0, by way of the gradient.

    Raises:
        ArgumentError: a negative option, or a beta that is not in 0 ... 1.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(1.0, requires_grad=True)
    >>> optimizer = tc.optim.Adam([w], lr=0.1)
    >>> (1000 * w).backward()
    >>> optimizer.step()
    >>> w
    tensor(0.9, requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ArgumentError(
                "betas say how much of an average is kept",
                argument="betas",
                expected="two numbers, 0 <= beta < 1",
                got=betas,
            )
        not_negative("eps", eps)
        not_negative("weight_decay", weight_decay)
        super().__init__(params, {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay})

    def new_state(self, parameter: Tensor, group: ParamGroup) -> dict[str, Tensor]:
        return {
            "step": zeros((), dtype=int64, backend=parameter.backend),
            "exp_avg": zeros_like(parameter),
            "exp_avg_sq": zeros_like(parameter),
        }

    def update(
        self, parameter: Tensor, gradient: Tensor, state: dict[str, Tensor], group: ParamGroup
    ) -> None:
        average, square, count = state["exp_avg"], state["exp_avg_sq"], state["step"]
        new = adam_step(
            parameter,
            gradient,
            average,
            square,
            count,
            group.rate,
            betas=group["betas"],
            eps=group["eps"],
            weight_decay=group["weight_decay"],
        )
        for target, value in zip((parameter, average, square, count), new, strict=True):
            target.assign(value)
