"""Schedules by a formula of your own.

    LambdaLR           any function of the number of steps
    MultiplicativeLR   any factor from one step to the next

The first says what the learning rate is, whatever it was; the second multiplies, and so leaves to other
schedules what they made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tinygrad_cnn.errors import ArgumentTypeError
from tinygrad_cnn.optim.optimizer import Optimizer
from tinygrad_cnn.optim.schedule import LRScheduler, per_group

__all__ = ["LambdaLR", "MultiplicativeLR"]

Factor = Callable[[int], float]


class LambdaLR(LRScheduler):
    """lr = first lr · lr_lambda(step).

    Args:
        optimizer: whose learning rates are set.
        lr_lambda: a function of the number of steps, or a list of them, one for each group.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentTypeError: something that is not a function.
        ArgumentError: not as many functions as groups.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    >>> [schedule.lr_at(step) for step in (0, 1, 3)]
    [0.8, 0.4, 0.2]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        self.lr_lambdas = _functions(lr_lambda, optimizer)
        super().__init__(optimizer, last_epoch)

    def lr_at(self, step: int, group: int = 0) -> float:
        return self.base_lrs[group] * self.lr_lambdas[group](step)


class MultiplicativeLR(LRScheduler):
    """lr ← lr · lr_lambda(step), at every step after the first.

    Args:
        optimizer: whose learning rates are set.
        lr_lambda: a function of the number of steps, or a list of them, one for each group; it is asked
            once about each step.
        last_epoch: as for `LRScheduler`.

    Raises:
        ArgumentTypeError: something that is not a function.
        ArgumentError: not as many functions as groups.

    >>> import tinygrad_cnn as tc
    >>> optimizer = tc.optim.SGD([tc.tensor(1.0, requires_grad=True)], lr=0.8)
    >>> schedule = tc.optim.MultiplicativeLR(optimizer, lambda step: 0.5)
    >>> [schedule.lr_at(step) for step in (0, 1, 3)]
    [0.8, 0.4, 0.1]
    """

    multiplies = True

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Factor | Sequence[Factor], last_epoch: int = -1
    ) -> None:
        self.lr_lambdas = _functions(lr_lambda, optimizer)
        self._products = [[1.0] for _ in self.lr_lambdas]  # of the factors up to each step
        super().__init__(optimizer, last_epoch)

    def lr_at(self, step: int, group: int = 0) -> float:
        products = self._products[group]
        while len(products) <= step:
            products.append(products[-1] * self.lr_lambdas[group](len(products)))
        return self.base_lrs[group] * products[step]


def _functions(lr_lambda: Factor | Sequence[Factor], optimizer: Optimizer) -> list[Factor]:
    functions: list[Factor] = per_group("lr_lambda", lr_lambda, optimizer)
    for function in functions:
        if not callable(function):
            raise ArgumentTypeError(
                "the factor is a function of the number of steps",
                argument="lr_lambda",
                expected="a function, or one for each group",
                got=repr(function),
            )
    return functions
