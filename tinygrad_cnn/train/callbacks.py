"""What happens along the way: callbacks, told by the Trainer about every step and epoch.

A callback is an object with methods named after moments. Write your own by overriding those you need:

    class Gossip(Callback):
        def on_epoch_end(self, trainer, row):
            print(f"after epoch {trainer.epoch} the loss is {row['train_loss']:.3f}")
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tinygrad_cnn._files import atomic_write
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.train.history import Row

if TYPE_CHECKING:
    from tinygrad_cnn.train.trainer import Step, Trainer


class Callback:
    """Does nothing at every moment.

    >>> class Gossip(Callback):
    ...     def on_epoch_end(self, trainer, row):
    ...         print(f"loss {row['train_loss']}")
    >>> Gossip().on_epoch_end(None, {"train_loss": 0.5})
    loss 0.5
    """

    def on_fit_start(self, trainer: Trainer) -> None:
        """Before the first epoch; `trainer.epochs` and `trainer.steps_per_epoch` are known."""

    def on_epoch_start(self, trainer: Trainer) -> None:
        """Before the first batch of an epoch."""

    def on_step_end(self, trainer: Trainer, step: Step) -> None:
        """After the optimizer's step on a batch."""

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        """After an epoch and its evaluation; `row` is the newest of `trainer.history`."""

    def on_fit_end(self, trainer: Trainer) -> None:
        """When `fit` ends, also by an error or Ctrl-C."""


class CSVLogger(Callback):
    """Keep the history in a file that any spreadsheet opens; after every epoch it is complete.

    Args:
        path: the file, such as "history.csv".

    >>> import tempfile
    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn.train import History, Trainer
    >>> model = tc.nn.Linear(2, 2)
    >>> trainer = Trainer(model, tc.optim.SGD(model.parameters(), lr=0.1))
    >>> trainer.history = History([{"epoch": 1, "train_loss": 0.5}])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     CSVLogger(f"{folder}/history.csv").on_epoch_end(trainer, trainer.history.rows[-1])
    ...     print(Path(f"{folder}/history.csv").read_text())
    epoch,train_loss
    1,0.5
    <BLANKLINE>
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        with atomic_write(self.path) as file:
            file.write(trainer.history.to_csv().encode())


class Checkpoint(Callback):
    """Keep everything needed to go on: `last.safetensors` after every epoch, `best.safetensors` of the best.

    The first is written before the first epoch, so there is always one. Each is the state at the end of an
    epoch: a run that goes on from it (`trainer.load_checkpoint`, then `fit`) repeats the uninterrupted run
    bit for bit.

    Args:
        folder: made if it does not exist.
        monitor: the measurement that says which epoch is best.
        mode: whether the smallest or the largest is.

    >>> import tempfile
    >>> import tinygrad_cnn as tc
    >>> model = tc.nn.Linear(2, 2)
    >>> points = tc.data.ArrayDataset([[0.0, 1.0], [1.0, 0.0]], [0, 1])
    >>> batches = tc.data.DataLoader(points, batch_size=2, transform=lambda x, rng: x.astype("float32"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keep = Checkpoint(folder, monitor="train_loss")
    ...     optimizer = tc.optim.SGD(model.parameters(), lr=0.1)
    ...     trainer = tc.Trainer(model, optimizer, callbacks=[keep], progress=False)
    ...     history = trainer.fit(batches, epochs=1)
    ...     sorted(path.name for path in keep.folder.iterdir())
    ['best.safetensors', 'last.safetensors']
    """

    LAST = "last.safetensors"
    BEST = "best.safetensors"

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        monitor: str = "test_loss",
        mode: Literal["min", "max"] = "min",
    ) -> None:
        self.folder = Path(folder)
        self.monitor = monitor
        self.mode: Literal["min", "max"] = mode

    def on_fit_start(self, trainer: Trainer) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        trainer.save_checkpoint(self.folder / self.LAST)

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        if trainer.history.best(self.monitor, self.mode) is row:
            trainer.save_checkpoint(self.folder / self.BEST)
        trainer.save_checkpoint(self.folder / self.LAST)


class EarlyStopping(Callback):
    """Stop when a measurement has not got better for some epochs.

    Args:
        monitor: the measurement.
        mode: whether better is smaller or larger.
        patience: how many epochs to wait for something better.

    Raises:
        ArgumentError: patience is less than 1.

    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn.train import History, Trainer
    >>> model = tc.nn.Linear(2, 2)
    >>> trainer = Trainer(model, tc.optim.SGD(model.parameters(), lr=0.1))
    >>> trainer.history = History([{"epoch": 1, "test_loss": 0.4}, {"epoch": 2, "test_loss": 0.6}])
    >>> EarlyStopping(patience=1).on_epoch_end(trainer, trainer.history.rows[-1])
    >>> trainer.should_stop
    True
    """

    def __init__(
        self, monitor: str = "test_loss", *, mode: Literal["min", "max"] = "min", patience: int = 3
    ) -> None:
        if patience < 1:
            raise ArgumentError(
                "there is no patience", argument="patience", expected="patience >= 1", got=patience
            )
        self.monitor = monitor
        self.mode: Literal["min", "max"] = mode
        self.patience = patience

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        best = trainer.history.best(self.monitor, self.mode)
        if row["epoch"] - best["epoch"] >= self.patience:
            trainer.should_stop = True
