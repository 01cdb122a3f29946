"""The steps of a Trainer: asked for, looked at, and taken back if a check fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Protocol

from tinygrad_cnn._context import no_grad
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.amp import GradScaler, autocast
from tinygrad_cnn.dtypes import DTypeLike, as_dtype, float16
from tinygrad_cnn.errors import LateError, NonFiniteError
from tinygrad_cnn.nn import Module
from tinygrad_cnn.ops.checks import all_finite
from tinygrad_cnn.ops.random import host_random_state, random_state
from tinygrad_cnn.train.ahead import Asked, Seen, Snapshot, Window, on_host, windows
from tinygrad_cnn.train.blame import Before, raise_non_finite
from tinygrad_cnn.train.replayed import Replayed

if TYPE_CHECKING:
    from tinygrad_cnn.train.trainer import Trainer


class Batches(Protocol):
    """Anything that yields batches (x, y) and knows how many: a `DataLoader`, a list of pairs."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]: ...
    def __len__(self) -> int: ...


class Steps:
    """What a Trainer does with a batch.

    Args:
        trainer: whose model, optimizer, loss and scheduler.
        capture, precision: as the Trainer was given them.

    Attributes:
        scaler: of the loss, for float16.
    """

    def __init__(self, trainer: Trainer, capture: bool | None, precision: DTypeLike | None) -> None:
        self._trainer = trainer
        self._capture = capture
        self._autocast: AbstractContextManager[None] = (
            nullcontext() if precision is None else autocast(precision)
        )
        self.scaler = GradScaler(enabled=precision is not None and as_dtype(precision) is float16)
        self._judge = Replayed(self._judge_eagerly, capture)
        self._learn = Replayed(self._learn_eagerly, capture)
        self._snapshot: Snapshot | None = None

    def training(self, loader: Batches) -> Iterator[list[Seen]]:
        """Take a step on every batch; yields them as they are looked at."""
        return map(self._look, windows(self._asked(loader), self._trainer.log_every))

    def evaluation(self, loader: Batches) -> Iterator[list[Seen]]:
        """Compute outputs and loss of every batch; yields them as they are looked at."""
        return map(self._look_at_judged, windows(self._judged(loader), self._trainer.log_every))

    def outputs(self, x: Tensor) -> Tensor:
        """What the model says, in at least float32."""
        with self._autocast:
            outputs: Tensor = self._trainer.model(x)
        return outputs.float() if outputs.dtype.is_narrow else outputs

    def random_states(self) -> tuple[Tensor, Tensor]:
        """Masks are drawn on the model's backend, initial weights on the host."""
        return random_state(self._trainer.backend), host_random_state()

    @property
    def _is_ahead(self) -> bool:
        """Whether nobody waits for a step."""
        return self._trainer.backend.steps_ahead > 1

    # --- training

    def _asked(self, loader: Batches) -> Iterator[Asked]:
        """Ask for one step after the other."""
        backend = self._trainer.backend
        if self._is_ahead:
            self._keep()
        for number, (x, y) in enumerate(loader, start=1):
            if self._is_ahead:
                with backend.step(), backend.ahead():
                    asked = self._step(number, x, y, self._learn)
            else:
                asked = self._checked_step(number, x, y, self._learn)
            yield asked

    def _look(self, window: Window) -> list[Seen]:
        """Wait for a window; steps in which a check failed are taken back and done again, one by one."""
        try:
            self._trainer.backend.look_back()
        except LateError:
            assert self._snapshot is not None
            self._snapshot.restore()
            again = partial(self._checked_step, learn=self._learn_eagerly)
            window = [again(asked.number, asked.x, asked.y) for asked in window]
            # What was recorded knows state of the optimizer that may have been taken back.
            self._learn, self._snapshot = Replayed(self._learn_eagerly, self._capture), None
        seen = on_host(window, outputs_too=bool(self._trainer.metrics))
        if self._is_ahead:
            self._keep()
        return seen

    def _keep(self) -> None:
        """Remember how everything is that the next window changes."""
        trainer, others = self._trainer, (*self.random_states(), *self.scaler.state)
        if self._snapshot is None or not self._snapshot.is_complete(others):
            self._snapshot = Snapshot(trainer.model, trainer.optimizer, trainer.scheduler, others)
        self._snapshot.save()

    def _checked_step(
        self, number: int, x: Tensor, y: Tensor, learn: Callable[..., tuple[Tensor, Tensor]]
    ) -> Asked:
        """A step in which checks raise their errors, and one about NaN says where it came from."""
        trainer = self._trainer
        before = Before(trainer.model, trainer.backend)
        with trainer.backend.step():
            try:
                return self._step(number, x, y, learn)
            except NonFiniteError:
                place = f"epoch {trainer.epoch + 1}, step {number}"
                raise_non_finite(place, before, lambda: self._backward(x, y)[1], trainer.checkpoint)

    def _step(self, number: int, x: Tensor, y: Tensor, learn: Callable[..., tuple[Tensor, Tensor]]) -> Asked:
        trainer = self._trainer
        lr = float(trainer.optimizer.param_groups[0]["lr"])
        # A hook is Python, which a replay leaves out.
        watched = any(module._hooks for module in trainer.model.modules())
        outputs, loss = self._learn_eagerly(x, y) if watched else learn(x, y)
        if trainer.scheduler is not None:
            trainer.scheduler.step()
        return Asked(number, x, y, outputs, loss, lr)

    def _learn_eagerly(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        trainer = self._trainer
        outputs, loss = self._backward(x, y)
        if self.scaler.enabled:  # gradients may overflow, and then the step is left out
            all_finite(loss.detach())
            self.scaler.step(trainer.optimizer)
            self.scaler.update()
        else:
            gradients = [parameter.grad for parameter in trainer.model.parameters()]
            all_finite(loss.detach(), *[gradient for gradient in gradients if gradient is not None])
            trainer.optimizer.step()
        return outputs.detach(), loss.detach()

    def _backward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Forward and backward; afterwards every parameter has its gradient, and none has changed."""
        outputs, loss = self._judge_eagerly(x, y)
        self._trainer.optimizer.zero_grad()
        self.scaler.scale(loss).backward()
        return outputs, loss

    # --- evaluation

    def _judged(self, loader: Batches) -> Iterator[Asked]:
        backend = self._trainer.backend
        for number, (x, y) in enumerate(loader, start=1):
            with backend.step(), backend.ahead():
                outputs, loss = self._judge(x, y)
            yield Asked(number, x, y, outputs, loss)

    def _look_at_judged(self, window: Window) -> list[Seen]:
        """Wait for a window; if a check failed, compute it again, which raises the error."""
        try:
            self._trainer.backend.look_back()
        except LateError:
            for asked in window:
                self._judge_eagerly(asked.x, asked.y)
            raise
        return on_host(window, outputs_too=bool(self._trainer.metrics))

    def _judge_eagerly(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        with self._autocast:
            outputs = self._trainer.model(x)
            loss = self._trainer.loss(outputs, y)
        return (outputs.float() if outputs.dtype.is_narrow else outputs), loss


@contextmanager
def evaluating(model: Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every module is in its own mode (one may be frozen)."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
