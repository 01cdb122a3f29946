"""RAdam: Adam that warms up by itself.

After a few steps the average square v rests on a few gradients only, and dividing by its root is a gamble.
How many gradients it rests on can be computed:

    ρ∞ = 2 / (1 − β₂) − 1,  ρ = ρ∞ − 2t · β₂ᵗ / (1 − β₂ᵗ)

    ρ ≤ 5:  w ← w − lr · m̂                           too few: plain momentum
    ρ > 5:  w ← w − lr · r · m̂ / ((√v + ε) / √(1 − β₂ᵗ)),  r² = (ρ−4)(ρ−2)ρ∞ / ((ρ∞−4)(ρ∞−2)ρ)

with m̂ = m / (1 − β₁ᵗ) as in Adam. The factor r grows from near 0 to 1, which a warm-up does by hand.

Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020, arXiv:1908.03265,
algorithm 2; with 5 instead of 4, as in the authors' own program and in PyTorch.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.optim.adam import Betas, moments
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import at_zero, decayed, follow, like, update_rule

__all__ = ["RAdam"]

ENOUGH = 5.0  # gradients that an average square must rest on to be divided by


@update_rule("RAdam", state=("step", "exp_avg", "exp_avg_sq"))
def radam_step(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    m: Array,
    v: Array,
    betas: Array,
    lr: Array,
    *,
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> tuple[Array, ...]:
    """The new weights, count of steps and averages."""
    w, g = decayed(B, w, g, lr, weight_decay, decoupled_weight_decay, maximize)
    beta1, beta2 = betas[0], betas[1]
    t, (m, v) = t + 1, moments(B, g, m, v, betas)
    correction = 1 - beta2**t
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * t * beta2**t / correction
    # Which of both steps it is must not be asked in Python: a recorded step is replayed with another t.
    factor = like(B, B.xp.sqrt(correction * _rectification(B.xp.maximum(length, ENOUGH), longest)), w)
    scale = B.xp.where(length > ENOUGH, factor / (B.xp.sqrt(v) + eps), 1.0)
    return w - like(B, lr / (1 - beta1**t), w) * (m * scale), t, m, v


def _rectification(length: Array, longest: Array) -> Array:
    """r², for an average that rests on `length` gradients."""
    return (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)


class RAdam(Optimizer):
    """Rectified Adam: momentum first, and step lengths of their own once enough gradients have been seen.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the learning rate.
        betas: how much of the averages of gradient and squared gradient is kept, 0 ... 1.
        eps: added to the root of the average square, so that no division fails.
        weight_decay: how strongly weights are pulled to 0.
        decoupled_weight_decay: pull the weights themselves, as `AdamW` does.
        maximize: go uphill.

    Raises:
        ArgumentError: a negative option, or a beta that is not in 0 ... 1.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor([1.0, 1.0], requires_grad=True)
    >>> optimizer = tc.optim.RAdam([w], lr=0.1)
    >>> (w * tc.tensor([1.0, 2.0])).sum().backward()
    >>> optimizer.step()  # the first steps are as long as the gradient is
    >>> w
    tensor([0.9, 0.8], requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
        }
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        return at_zero(parameter, "exp_avg", "exp_avg_sq")

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        follow(radam_step, parameter, gradient, state, group)
