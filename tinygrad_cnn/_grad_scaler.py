"""The scaler of gradients: what keeps those of float16 from becoming 0 (see `tinygrad_cnn.amp`).

The scale and the count of steps without an overflow are tensors where the loss is, and whether an overflow
happened is one, too: nobody waits for the device to know, and a captured step adapts its scale as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from numbers import Real
from typing import Any

from tinygrad_cnn import _context
from tinygrad_cnn._advice import DEVICES
from tinygrad_cnn._context import no_grad
from tinygrad_cnn._create import tensor
from tinygrad_cnn._signature import Explaining
from tinygrad_cnn._tape import tape
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend
from tinygrad_cnn.dtypes import as_index, float32, int64
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, GradientError, StateDictError
from tinygrad_cnn.ops.checks import any_non_finite
from tinygrad_cnn.ops.comparison import isfinite, logical_and, logical_not, logical_or, where
from tinygrad_cnn.optim import Optimizer
from tinygrad_cnn.optim.options import is_finite, switch


class GradScaler(metaclass=Explaining):
    """Keeps gradients in the range of float16: scales the loss up, and the gradients down again.

        scaler = tc.amp.GradScaler()
        ...
        scaler.scale(loss).backward()
        scaler.step(optimizer)              # skipped if a gradient is infinite or NaN
        scaler.update()

    What scale is right shows only in training. It starts high; a step in which a gradient overflowed is
    skipped, and the scale made smaller; when no step had to be skipped for a while, it is made larger.

    Nobody looks at the gradients for it, which would mean to wait for the device: the optimizer computes its
    step, and where an overflow was found every parameter, and all that the optimizer remembers, is assigned
    what it was. So a step can be captured. (State that an optimizer begins in its first step is begun also
    if that step is skipped.)

    Args:
        init_scale: the first scale.
        growth_factor: what makes it larger.
        backoff_factor: what makes it smaller.
        growth_interval: after so many steps without an overflow it grows.
        enabled: False does nothing of all this; then `step` is the optimizer's own.

    Raises:
        ArgumentError: factors that do not make it larger or smaller.
        ArgumentTypeError: something that is no number, or no switch.

    >>> import tinygrad_cnn as tc
    >>> w = tc.tensor(1.0, requires_grad=True)
    >>> optimizer, scaler = tc.optim.SGD([w], lr=0.1), tc.amp.GradScaler(init_scale=1024.0)
    >>> for x in (1.0, float("inf")):
    ...     optimizer.zero_grad()
    ...     scaler.scale(w * x).backward()
    ...     scaler.step(optimizer)
    ...     scaler.update()
    ...     print(w.item(), scaler.get_scale())
    0.8999999761581421 1024.0
    0.8999999761581421 512.0
    """

    advice = dict.fromkeys(DEVICES, "the scale lives where the loss is: GradScaler()")

    def __init__(
        self,
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._start = (_between(0, init_scale, argument="init_scale"), 0)
        self.growth_factor = _between(1, growth_factor, argument="growth_factor")
        self.backoff_factor = _between(0, backoff_factor, 1, argument="backoff_factor")
        self.growth_interval = as_index(growth_interval, argument="growth_interval")
        _check(self.growth_interval >= 1, "growth_interval", ">= 1", growth_interval)
        self.enabled = switch("enabled", enabled)
        self._state: tuple[Tensor, Tensor] | None = None  # the scale, and steps without an overflow
        # Since the last update: what was found in the gradients of an optimizer, and which have made a step.
        self._found: dict[Optimizer, Tensor] = {}
        self._stepped: set[Optimizer] = set()

    # --- in the order of use

    def scale(self, outputs: Tensor) -> Tensor:
        """The loss (or whatever `backward` starts from), times the scale.

        Raises:
            ArgumentTypeError: not a tensor.
        """
        if not isinstance(outputs, Tensor):
            raise ArgumentTypeError(
                "backward starts from a tensor",
                argument="outputs",
                expected="Tensor",
                got=f"{type(outputs).__name__}: {outputs!r}"[:60],
                hint="scaler.scale(loss), where loss is not yet a number of Python: no loss.item() before",
            )
        return outputs * self._on(outputs.backend)[0] if self.enabled else outputs

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of an optimizer's parameters by the scale, to look at them or to clip them.

        `step` does it where it has not been done.

        Raises:
            GradientError: it was done since the last `update`, or no parameter has a gradient.
            ArgumentTypeError: not an optimizer.
        """
        _require_optimizer(optimizer, "unscale_")
        if not self.enabled:
            return
        if optimizer in self._found:
            raise GradientError(
                "the gradients of this optimizer were unscaled since the last update()",
                expected="unscale_ once between two updates",
                hint="scaler.update()",
            )
        leaves = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if not leaves:
            raise GradientError(
                "there are no gradients to unscale",
                expected="a backward pass from scaler.scale(loss)",
                hint="scaler.scale(loss).backward()",
            )
        scale, _ = self._on(leaves[0].backend)
        with no_grad():
            factor = scale.reciprocal()
            for leaf in leaves:
                leaf.grad = leaf.grad * factor
            self._found[optimizer] = any_non_finite(*[leaf.grad for leaf in leaves])

    def step(self, optimizer: Optimizer, closure: Callable[[], Any] | None = None) -> Any:
        """A step of the optimizer, by unscaled gradients, that changes nothing if one of them is not finite.

        Args:
            optimizer: whose step.
            closure: not with a scaler, which has to know the gradients before the step; None.

        Raises:
            ArgumentError: a closure.
            GradientError: the optimizer has made its step since the last `update`, or has no gradients.
            ArgumentTypeError: not an optimizer.
        """
        _require_optimizer(optimizer, "step")
        if not self.enabled:
            return optimizer.step(closure)
        _check(closure is None, "closure", "None with a GradScaler", closure)
        if optimizer in self._stepped:
            raise GradientError(
                "this optimizer has made its step since the last update()",
                expected="scaler.update() after every step",
                hint="scaler.update()",
            )
        if optimizer not in self._found:
            self.unscale_(optimizer)
        with no_grad():
            is_safe = logical_not(self._found[optimizer])
        self._stepped.add(optimizer)
        with _context.changed(guard=is_safe):
            return optimizer.step()

    def update(self, new_scale: float | None = None) -> None:
        """Adapt the scale to what the steps since the last update found; or set it.

        Raises:
            GradientError: no gradients were looked at since the last update.
            ArgumentError, ArgumentTypeError: the new scale is not above 0, or no number.
        """
        if not self.enabled:
            return
        if new_scale is not None:
            new_scale = _between(0, new_scale, argument="new_scale")
        if self._state is None or (new_scale is None and not self._found):
            raise GradientError(
                "no gradients were looked at since the last update()",
                expected="scaler.step(optimizer) before scaler.update()",
            )
        scale, steps = self._state
        listening = tape()
        if listening is not None:
            listening.depends_on(self._constants)
        with no_grad():
            if new_scale is not None:
                scale.assign(new_scale)
            else:
                self._adapt(scale, steps, reduce(logical_or, self._found.values()))
        self._found.clear()
        self._stepped.clear()

    def _adapt(self, scale: Tensor, steps: Tensor, overflowed: Tensor) -> None:
        is_due = steps + 1 == self.growth_interval
        grown = scale * self.growth_factor
        kept = where(logical_and(is_due, isfinite(grown)), grown, scale)
        scale.assign(where(overflowed, scale * self.backoff_factor, kept))
        steps.assign(where(logical_or(overflowed, is_due), 0, steps + 1))

    # --- asking and saving

    @property
    def state(self) -> tuple[Tensor, ...]:
        """The scale and the number of steps without an overflow, as tensors; none before the first loss."""
        return self._state or ()

    def get_scale(self) -> float:
        """The scale as a number; 1 if it is not enabled."""
        return self._values()[0] if self.enabled else 1.0

    def state_dict(self) -> dict[str, Any]:
        """All that the rest of a run depends on, by PyTorch's names; nothing if it is not enabled."""
        if not self.enabled:
            return {}
        scale, steps = self._values()
        return {
            "scale": scale,
            "growth_factor": self.growth_factor,
            "backoff_factor": self.backoff_factor,
            "growth_interval": self.growth_interval,
            "_growth_tracker": steps,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned, here or in PyTorch.

        Raises:
            StateDictError: it is not the state of a scaler.

        >>> import tinygrad_cnn as tc
        >>> scaler = tc.amp.GradScaler()
        >>> scaler.load_state_dict(tc.amp.GradScaler(init_scale=2.0).state_dict())
        >>> scaler.get_scale()
        2.0
        """
        if not self.enabled:
            return
        expected = self.state_dict()
        if set(state_dict) != set(expected):
            raise StateDictError(
                "this is not the state of a GradScaler; nothing was loaded",
                argument="state_dict",
                expected=", ".join(expected),
                got=", ".join(state_dict) or "nothing, as of a scaler that is not enabled",
            )
        self.growth_factor = state_dict["growth_factor"]
        self.backoff_factor = state_dict["backoff_factor"]
        self.growth_interval = state_dict["growth_interval"]
        self._start = (float(state_dict["scale"]), int(state_dict["_growth_tracker"]))
        if self._state is not None:
            for value, number in zip(self._state, self._start, strict=True):
                value.assign(number)

    def _on(self, backend: Backend) -> tuple[Tensor, Tensor]:
        """The state, which comes into being where the first loss is."""
        if self._state is None:
            scale, steps = self._start
            self._state = (
                tensor(scale, dtype=float32, backend=backend),
                tensor(steps, dtype=int64, backend=backend),
            )
        return self._state

    def _values(self) -> tuple[float, int]:
        if self._state is None:
            return self._start
        scale, steps = self._state
        return scale.item(), steps.item()

    def _constants(self) -> tuple[float, float, int]:
        return self.growth_factor, self.backoff_factor, self.growth_interval


def _between(low: float, value: Any, high: float | None = None, *, argument: str) -> float:
    """A number between two others, neither of them included, checked."""
    expected = f"a finite number, {low} < {argument}" + ("" if high is None else f" < {high}")
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ArgumentTypeError(
            "a GradScaler computes with numbers",
            argument=argument,
            expected=expected,
            got=repr(value)[:60],
            hint=GradScaler.advice.get(str(value)),
        )
    number = float(value)
    _check(is_finite(number) and low < number and (high is None or number < high), argument, expected, value)
    return number


def _require_optimizer(optimizer: Any, method: str) -> None:
    if not isinstance(optimizer, Optimizer):
        raise ArgumentTypeError(
            "this is not an optimizer",
            argument="optimizer",
            expected="Optimizer",
            got=type(optimizer).__name__,
            hint=f"scaler.{method}(optimizer)",
        )


def _check(fits: bool, argument: str, expected: str, got: object) -> None:
    if not fits:
        raise ArgumentError(
            "this makes no sense for a GradScaler", argument=argument, expected=expected, got=got
        )
