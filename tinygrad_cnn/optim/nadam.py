"""NAdam: Adam that looks ahead, with Nesterov's momentum.

    μₜ = β₁ · (1 − ½ · 0.96^(t·ψ))                  how much momentum there is; it grows from β₁/2 to β₁
    m ← β₁ · m + (1 − β₁) · g
    v ← β₂ · v + (1 − β₂) · g²
    ĝ = (1 − μₜ) / (1 − μ₁…μₜ) · g                  the gradient's part of this step ...
    m̂ = μₜ₊₁ / (1 − μ₁…μₜ₊₁) · m                    ... and the momentum's part of the next one, already now
    w ← w − lr · (ĝ + m̂) / (√(v / (1 − β₂ᵗ)) + ε)

Source: Dozat, "Incorporating Nesterov Momentum into Adam", ICLR workshop 2016, with his schedule for μ
(ψ = momentum_decay).
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.dtypes import float64
from tinygrad_cnn.ops.creation import ones
from tinygrad_cnn.optim.adam import Betas, moments
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import at_zero, decayed, follow, like, update_rule

__all__ = ["NAdam"]


@update_rule("NAdam", state=("step", "mu_product", "exp_avg", "exp_avg_sq"))
def nadam_step(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    product: Array,
    m: Array,
    v: Array,
    betas: Array,
    lr: Array,
    *,
    eps: float,
    momentum_decay: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> tuple[Array, ...]:
    """The new weights, count of steps, product of all momenta, and averages."""
    w, g = decayed(B, w, g, lr, weight_decay, decoupled_weight_decay, maximize)
    beta1, beta2 = betas[0], betas[1]
    t, (m, v) = t + 1, moments(B, g, m, v, betas)
    momentum, next_momentum = (beta1 * (1 - 0.5 * 0.96 ** (s * momentum_decay)) for s in (t, t + 1))
    product = product * momentum
    of_gradient = like(B, lr * (1 - momentum) / (1 - product), w)
    of_average = like(B, lr * next_momentum / (1 - product * next_momentum), w)
    size = B.xp.sqrt(v / like(B, 1 - beta2**t, w)) + eps
    return w - of_gradient * (g / size) - of_average * (m / size), t, product, m, v


class NAdam(Optimizer):
    """Adam with Nesterov's momentum.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the learning rate.
        betas: how much of the averages of gradient and squared gradient is kept, 0 ... 1.
        eps: added to the root of the average square, so that no division fails.
        weight_decay: how strongly weights are pulled to 0.
        momentum_decay: ψ, how fast momentum grows at the beginning.
        decoupled_weight_decay: pull the weights themselves, as `AdamW` does.
        maximize: go uphill.

    Raises:
        ArgumentError: a negative option, or a beta that is not in 0 ... 1.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor([1.0, 1.0], requires_grad=True)
    >>> optimizer = tc.optim.NAdam([w], lr=0.1)
    >>> (w * tc.tensor([1000.0, 0.001])).sum().backward()
    >>> optimizer.step()
    >>> bool((w < 0.9).all())  # further than Adam: the next step's momentum is part of this one
    True
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 2e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        product = ones((), dtype=float64, backend=parameter.backend)
        return {"mu_product": product, **at_zero(parameter, "exp_avg", "exp_avg_sq")}

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        follow(nadam_step, parameter, gradient, state, group)
