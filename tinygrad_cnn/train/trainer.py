"""The training loop.

One epoch shows every training image to the network once, a batch at a time; one step is

    logits = model(x)                   what the network says
    loss = F.cross_entropy(logits, y)   how wrong that is: one number
    optimizer.zero_grad()
    loss.backward()                     how the number changes with every weight
    optimizer.step()                    each weight takes a small step against it

The rest of this file measures, calls the callbacks, and sees to it that a run can be trusted: the same seed
gives the same numbers to the last bit, also when the run was interrupted and taken up again; and a loss that
is not a number stops the run before it reaches the weights.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.backend import Backend, use_backend
from tinygrad_cnn.data import DataLoader
from tinygrad_cnn.dtypes import DTypeLike, as_index
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.functional import cross_entropy
from tinygrad_cnn.io import load_state, save_state
from tinygrad_cnn.metrics import accuracy
from tinygrad_cnn.nn import Module
from tinygrad_cnn.ops.joining import cat
from tinygrad_cnn.optim import LRScheduler, Optimizer
from tinygrad_cnn.train.ahead import Seen
from tinygrad_cnn.train.history import History, Means, Row
from tinygrad_cnn.train.progress import ProgressBar
from tinygrad_cnn.train.steps import Batches, Steps, evaluating

if TYPE_CHECKING:
    from tinygrad_cnn.train.callbacks import Callback

Loss = Callable[[Tensor, Tensor], Tensor]
Metric = Callable[[Tensor, Tensor], float]


class Step(NamedTuple):
    """What callbacks are told after each step, or after every `log_every` of them.

    >>> step = Step(number=2, images=128, seconds=0.5, means={"loss": 0.7})
    >>> f"{step.images / step.seconds:.0f} images/s"
    '256 images/s'
    """

    number: int  # within the epoch, from 1
    images: int  # seen in this epoch so far
    seconds: float  # since the epoch began
    means: Row  # loss and metrics over the epoch so far
    x: Tensor | None = None  # the batch
    lr: float = 0.0  # the learning rate it was taken with


class Trainer:
    """Fits a model to data.

    Args:
        model: maps a batch x to what `loss` compares with y.
        optimizer: holds the model's parameters.
        loss: a function (outputs, y) -> a 0-d tensor, the mean over the batch.
        scheduler: changes the learning rate; its `step()` is called after every step (not every epoch).
        callbacks: told about every step and epoch, in this order; see `callbacks.py`.
        metrics: by name, functions (outputs, y) -> number, the mean over the batch; by default accuracy.
        capture: record the step and replay it (`tc.capture`), which is several times as fast. By default a
            model that cannot be recorded is trained eagerly, with a warning that says why, and one with hooks
            as well; True makes an error of it, False trains eagerly.
        progress: show a progress bar and a line an epoch, if no callback does.
        precision: "bfloat16" or "float16" to compute in it what suffers little from it (`tc.amp`), with
            float32 weights; float16 scales the loss, and skips steps whose gradients overflow.
        log_every: look at loss and metrics, and tell the callbacks, after so many steps; by default after
            each one, and on a GPU, which would stand still while it is looked at, after 50.

    Attributes:
        epoch: how many epochs are complete.
        history: what they measured.
        should_stop: set it to True in a callback to stop after this epoch.
        checkpoint: the file of the last `save_checkpoint` or `load_checkpoint`, None before.

    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn.train import Trainer
    >>> tc.manual_seed(0)
    >>> xor = tc.data.ArrayDataset([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    >>> batches = tc.data.DataLoader(xor, batch_size=4, transform=lambda x, rng: x.astype("float32"))
    >>> model = tc.nn.Sequential(tc.nn.Linear(2, 16), tc.nn.Tanh(), tc.nn.Linear(16, 2))
    >>> trainer = Trainer(model, tc.optim.Adam(model.parameters(), lr=0.05), progress=False)
    >>> trainer.fit(batches, epochs=60)["train_accuracy"][-1]
    1.0
    """

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Loss = cross_entropy,
        *,
        scheduler: LRScheduler | None = None,
        callbacks: Sequence[Callback] = (),
        metrics: Mapping[str, Metric] | None = None,
        capture: bool | None = None,
        progress: bool = True,
        precision: DTypeLike | None = None,
        log_every: int | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.scheduler = scheduler
        self.callbacks = tuple(callbacks)
        if progress and not any(isinstance(callback, ProgressBar) for callback in self.callbacks):
            self.callbacks += (ProgressBar(),)
        self.metrics = {"accuracy": accuracy} if metrics is None else dict(metrics)
        self._log_every = None if log_every is None else as_index(log_every, argument="log_every")
        if log_every is not None and log_every < 1:
            raise ArgumentError(
                "steps are looked at sooner or later", argument="log_every", expected=">= 1", got=log_every
            )
        self.epoch = 0
        self.epochs = 0  # how many there shall be, set by fit
        self.steps_per_epoch = 0
        self.history = History()
        self.should_stop = False
        self.checkpoint: Path | None = None
        self._steps = Steps(self, capture, precision)

    @property
    def backend(self) -> Backend:
        """Where the model lives, and where batches are put."""
        return next(iter(self.model.parameters())).backend

    @property
    def log_every(self) -> int:
        """After how many steps loss and metrics are looked at."""
        return self._log_every or self.backend.steps_ahead

    # --- training

    def fit(self, train_loader: Batches, test_loader: Batches | None = None, *, epochs: int) -> History:
        """Train until `epochs` epochs are complete, counting those before `load_checkpoint`.

        The model is put into training mode. After every epoch it is evaluated on `test_loader`, if there is
        one, without learning from it.

        Returns:
            The history: lr, train_loss, train_accuracy, test_loss, test_accuracy, images_per_s and seconds of
            every epoch.

        Raises:
            NonFiniteError: the loss or a gradient became NaN or infinite; names the operation that made it.
                The weights are those before the step.
            KeyboardInterrupt: Ctrl-C; says which checkpoint there is.
        """
        self.epochs = as_index(epochs, argument="epochs")
        if self.epochs < 1:
            raise ArgumentError(
                "there is nothing to do", argument="epochs", expected="epochs >= 1", got=epochs
            )
        self.steps_per_epoch = len(train_loader)
        self.should_stop = False
        self.model.train()
        with use_backend(self.backend):
            try:
                self._tell("on_fit_start")
                while self.epoch < self.epochs and not self.should_stop:
                    self._run_epoch(train_loader, test_loader)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(self._farewell()) from None
            finally:
                self._tell("on_fit_end")
        return self.history

    def _run_epoch(self, train_loader: Batches, test_loader: Batches | None) -> None:
        if isinstance(train_loader, DataLoader):
            train_loader.set_epoch(self.epoch)  # also right after an epoch that was broken off
        self._tell("on_epoch_start")
        means, start = Means(), time.perf_counter()
        for window in self._steps.training(train_loader):
            for step in window:
                means.add(self._measure(step), weight=len(step.y))
            last = window[-1]
            told = Step(last.number, means.weight, last.time - start, means.values(), last.x, last.lr)
            self._tell("on_step_end", told)
        seconds = time.perf_counter() - start
        tested = {} if test_loader is None else self.evaluate(test_loader)
        self.epoch += 1
        row: Row = {
            "epoch": self.epoch,
            "lr": self.optimizer.param_groups[0]["lr"],
            **{f"train_{name}": value for name, value in means.values().items()},
            **{f"test_{name}": value for name, value in tested.items()},
            "images_per_s": round(means.weight / seconds, 1),
            "seconds": round(time.perf_counter() - start, 3),
        }
        self.history.append(row)
        self._tell("on_epoch_end", row)

    def _farewell(self) -> str:
        stopped = f"stopped in epoch {self.epoch + 1} of {self.epochs}"
        if self.checkpoint is None:
            return f"{stopped}; no checkpoint was kept (callbacks=[Checkpoint(folder)] keeps one)"
        return f"{stopped}; the last checkpoint is {self.checkpoint}"

    # --- evaluation

    def evaluate(self, loader: Batches) -> Row:
        """Mean loss and metrics over all images of a loader, in evaluation mode and without gradients.

        Every module returns to the mode it was in.

        Returns:
            `{"loss": ..., "accuracy": ...}`
        """
        means = Means()
        with use_backend(self.backend), evaluating(self.model):
            for window in self._steps.evaluation(loader):
                for step in window:
                    means.add(self._measure(step), weight=len(step.y))
        return means.values()

    def predict(self, loader: Batches) -> Tensor:
        """The model's outputs for all images of a loader, one after the other: (N, classes)."""
        with use_backend(self.backend), evaluating(self.model), self.backend.step():
            result: Tensor = cat([self._steps.outputs(x) for x, _ in loader])
        return result

    def _measure(self, step: Seen) -> Row:
        with use_backend(step.outputs.backend):
            metrics = {name: float(metric(step.outputs, step.y)) for name, metric in self.metrics.items()}
        return {"loss": step.loss, **metrics}

    # --- taking a run up again

    def state_dict(self) -> dict[str, Any]:
        """All that the rest of the run depends on: weights, optimizer, schedule, randomness, history."""
        return {
            "epoch": self.epoch,
            "model": dict(self.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
            "scaler": self._steps.scaler.state_dict(),
            "random": [state.clone() for state in self._steps.random_states()],
            "history": self.history.rows,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to where `state_dict` was taken; `fit` goes on from there, bit for bit.

        A run may go on in another precision; the scale of float16 then begins anew.

        Raises:
            StateDictError: it is the state of another model, optimizer or schedule; nothing was loaded.
        """
        before = deepcopy(self.state_dict())
        try:
            self._load(state)
        except Exception:
            self._load(before)
            raise

    def _load(self, state: Mapping[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        if state["scaler"]:
            self._steps.scaler.load_state_dict(state["scaler"])
        for current, saved in zip(self._steps.random_states(), state["random"], strict=True):
            current.assign(saved.to(current.backend))
        self.epoch = state["epoch"]
        self.history = History(state["history"])

    def save_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Write `state_dict` to a file, in one step (see `io.save_state`)."""
        save_state(path, self.state_dict())
        self.checkpoint = Path(path)

    def load_checkpoint(self, path: str | os.PathLike[str]) -> None:
        """Read what `save_checkpoint` wrote.

        Raises:
            FileFormatError: this is not a checkpoint.
            StateDictError: it is one of another model.
            OSError: the file cannot be opened, with Python's own message.
        """
        with use_backend(self.backend):
            self.load_state_dict(load_state(path))
        self.checkpoint = Path(path)

    def _tell(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *arguments)
