"""Adam: every parameter element has a step length of its own.

    m ← β₁ · m + (1 − β₁) · g        the average gradient: where to
    v ← β₂ · v + (1 − β₂) · g²       the average square: how large gradients are here
    m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ)
    w ← w − lr · m̂ / (√v̂ + ε)

m and v begin at 0, so the first averages are too small; dividing by 1 − βᵗ after t steps makes up for it.
Gradients ten times larger make the same steps, because m̂ and √v̂ grow together. ε stands outside the root.

AMSGrad divides by the largest v so far, so that step lengths never grow again. AdamW takes weight decay out
of the averages: w ← w − lr · λ · w before the step, the same pull for weights with small and large gradients.

Sources: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, arXiv:1412.6980, algorithm 1;
Reddi et al., "On the Convergence of Adam and Beyond", ICLR 2018, arXiv:1904.09237, algorithm 2 (with Adam's
corrections); Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, arXiv:1711.05101,
algorithm 2.
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import at_zero, decayed, follow, like, update_rule

__all__ = ["Adam", "AdamW"]

Betas = tuple[float, float]


@update_rule("Adam", state=("step", "exp_avg", "exp_avg_sq"))
def adam_step(
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
    """One step of Adam: the new weights, count of steps and averages."""
    w, g = decayed(B, w, g, lr, weight_decay, decoupled_weight_decay, maximize)
    t, (m, v) = t + 1, moments(B, g, m, v, betas)
    return _moved(B, w, t, m, v, lr, betas, eps), t, m, v


@update_rule("AMSGrad", state=("step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"))
def amsgrad_step(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    m: Array,
    v: Array,
    v_max: Array,
    betas: Array,
    lr: Array,
    *,
    eps: float,
    weight_decay: float,
    decoupled_weight_decay: bool,
    maximize: bool,
) -> tuple[Array, ...]:
    """One step of Adam that divides by the largest average square so far."""
    w, g = decayed(B, w, g, lr, weight_decay, decoupled_weight_decay, maximize)
    t, (m, v) = t + 1, moments(B, g, m, v, betas)
    v_max = B.xp.maximum(v_max, v)
    return _moved(B, w, t, m, v_max, lr, betas, eps), t, m, v, v_max


def moments(B: Backend, g: Array, m: Array, v: Array, betas: Array) -> tuple[Array, Array]:
    """The running averages of the gradient and of its square, one gradient later."""
    (keep1, keep2), (take1, take2) = ([like(B, x[i], g) for i in (0, 1)] for x in (betas, 1 - betas))
    return keep1 * m + take1 * g, keep2 * v + take2 * (g * g)


def _moved(B: Backend, w: Array, t: Array, m: Array, v: Array, lr: Array, betas: Array, eps: float) -> Array:
    """w − lr · m̂ / (√v̂ + ε), with the corrections computed before they meet the large arrays."""
    length = like(B, lr / (1 - betas[0] ** t), w)
    root = like(B, B.xp.sqrt(1 - betas[1] ** t), w)
    return w - length * (m / (B.xp.sqrt(v) / root + eps))


class Adam(Optimizer):
    """Adaptive moments: each element's step is scaled by how large its gradients usually are.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the learning rate; a step is at most about this long.
        betas: how much of the averages of gradient and squared gradient is kept, 0 ... 1.
        eps: added to the root of the average square, so that no division fails.
        weight_decay: how strongly weights are pulled to 0, by way of the gradient.
        amsgrad: divide by the largest average square so far.
        maximize: go uphill.
        decoupled_weight_decay: pull the weights themselves, as `AdamW` does.

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
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        decoupled_weight_decay: bool = False,
    ) -> None:
        options = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        return at_zero(parameter, "exp_avg", "exp_avg_sq", *["max_exp_avg_sq"] * group["amsgrad"])

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        follow(amsgrad_step if group["amsgrad"] else adam_step, parameter, gradient, state, group)


class AdamW(Adam):
    """Adam with decoupled weight decay: every weight shrinks by the share lr · weight_decay in each step.

    Arguments as for `Adam`; the weight decay is 0.01 unless told otherwise.

    Raises:
        ArgumentError: a negative option, or a beta that is not in 0 ... 1.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor([1.0, 100.0], requires_grad=True)
    >>> optimizer = tc.optim.AdamW([w], lr=0.1, weight_decay=0.5)
    >>> (0.0 * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.95, 95.  ], requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: Betas = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize, decoupled_weight_decay=True
        )
