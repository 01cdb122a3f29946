"""Rprop: only the sign of a gradient counts, and every element has a step length of its own.

    s ← s · η₊  where g has the sign it had before: on the right way, go faster
    s ← s · η₋  where the sign has changed: jumped over a valley; and stand still this time
    w ← w − s · sign(g)

s stays between the smallest and the largest step size. Made for full batches: in small ones the signs of
gradients change by chance.

Sources: Riedmiller and Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP
Algorithm", ICNN 1993; standing still instead of stepping back: Igel and Hüsken, "Improving the Rprop Learning
Algorithm", NC 2000 (iRprop⁻).
"""

from __future__ import annotations

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Array, Backend
from tinygrad_cnn.ops.creation import full
from tinygrad_cnn.optim.optimizer import Optimizer, Parameters, State
from tinygrad_cnn.optim.options import ParamGroup
from tinygrad_cnn.optim.rule import at_zero, follow, loss_gradient, update_rule

__all__ = ["Rprop"]


@update_rule("Rprop", state=("step", "prev", "step_size"))
def rprop_step(
    B: Backend,
    w: Array,
    g: Array,
    t: Array,
    previous: Array,
    size: Array,
    lr: Array,
    *,
    etas: tuple[float, float],
    step_sizes: tuple[float, float],
    maximize: bool,
) -> tuple[Array, ...]:
    """The new weights, count of steps, gradient to compare the next one with, and step sizes."""
    xp, (shrink, grow) = B.xp, etas
    g = loss_gradient(w, g, 0.0, maximize)
    agreement = g * previous
    size = xp.where(agreement > 0, size * grow, xp.where(agreement < 0, size * shrink, size))
    size = xp.clip(size, *step_sizes)
    g = xp.where(agreement < 0, xp.zeros_like(g), g)
    w = xp.where(g > 0, w - size, xp.where(g < 0, w + size, w))
    return w, t + 1, g, size


class Rprop(Optimizer):
    """Resilient backpropagation: longer steps while a gradient keeps its sign, shorter ones when it changes.

    Args:
        params: tensors, or dicts with "params" and options of their own.
        lr: the first step size; it is not used again.
        etas: by how much step sizes shrink and grow.
        step_sizes: the smallest and the largest.
        maximize: go uphill.

    Raises:
        ArgumentError: a negative learning rate; etas or step sizes that are out of order.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(1.0, requires_grad=True)
    >>> optimizer = tc.optim.Rprop([w], lr=0.1)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (1000 * w).backward()
    ...     optimizer.step()
    >>> w  # 1 − 0.1 − 0.12
    tensor(0.78, requires_grad=True)
    """

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        *,
        maximize: bool = False,
    ) -> None:
        options = {"lr": lr, "etas": etas, "step_sizes": step_sizes, "maximize": maximize}
        super().__init__(params, options)

    def new_state(self, parameter: Tensor, group: ParamGroup) -> State:
        first = full(parameter.shape, group["lr"], dtype=parameter.dtype, backend=parameter.backend)
        return {**at_zero(parameter, "prev"), "step_size": first}

    def update(self, parameter: Tensor, gradient: Tensor, state: State, group: ParamGroup) -> None:
        follow(rprop_step, parameter, gradient, state, group)
