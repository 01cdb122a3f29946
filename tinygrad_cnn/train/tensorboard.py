"""A training run in TensorBoard, while it goes on.

    trainer = tc.Trainer(model, optimizer, callbacks=[TensorBoard("logs/first try")])
    $ tensorboard --logdir logs

What there is to see, tab by tab:

- Scalars: loss and accuracy, of training batches and of the test set in one plot; the learning rate
- Histograms: every parameter and its gradient, before the first step and after every epoch
- Images: what the first convolution looks for, and what the network is shown
- Graphs: the network
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_cnn._capture import rehearsed
from tinygrad_cnn._tensor import Tensor
from tinygrad_cnn.errors import ArgumentError
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.io.event_file import EventFile, tensorboardx
from tinygrad_cnn.io.tensorboard import graph_def
from tinygrad_cnn.nn import Conv2d, Module
from tinygrad_cnn.train.callbacks import Callback
from tinygrad_cnn.train.history import Row
from tinygrad_cnn.train.mosaic import filters_mosaic, images_mosaic

if TYPE_CHECKING:
    from tinygrad_cnn.train.trainer import Step, Trainer

_FILTERS = "Blue is negative, white zero, red positive; the strongest colour is the largest weight."
_INPUTS = "Images of the first batch, as the network sees them: transformed and standardized."


class TensorBoard(Callback):
    """Write scalars, histograms, images and the graph of a run for TensorBoard.

    There are two runs to see: "train" and "test". A point of "train" is the mean over the batches since the
    point before, a point of "test" the mean over the whole set after an epoch; both stand at the number of
    optimizer steps so far. A run that is taken up again from a checkpoint goes on in the same folder:
    what was written after the checkpoint is replaced.

    Args:
        logdir: the folder of the run; `tensorboard --logdir` is given this one or, to compare runs, the one
            above.
        every: how many steps there are from one point of the training curves to the next.

    Raises:
        OptionalDependencyError: tensorboardX is not installed.
        ArgumentError: every is less than 1.

    >>> import tempfile
    >>> import tinygrad_cnn as tc
    >>> from tinygrad_cnn.train import TensorBoard, Trainer
    >>> points = tc.data.ArrayDataset([[0.0, 1.0], [1.0, 0.0]], [0, 1])
    >>> batches = tc.data.DataLoader(points, batch_size=2, transform=lambda x, rng: x.astype("float32"))
    >>> model = tc.nn.Linear(2, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     optimizer = tc.optim.SGD(model.parameters(), lr=0.1)
    ...     trainer = Trainer(model, optimizer, callbacks=[TensorBoard(folder)], progress=False)
    ...     history = trainer.fit(batches, batches, epochs=2)
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['test', 'train']
    """

    def __init__(self, logdir: str | os.PathLike[str], *, every: int = 10) -> None:
        tensorboardx()  # before an hour of training, not after it
        if every < 1:
            raise ArgumentError(
                "there is a point every so many steps", argument="every", expected="every >= 1", got=every
            )
        self.logdir = Path(logdir)
        self.every = every
        self._files: dict[str, EventFile] = {}
        self._first_step = 0
        self._is_first = True
        # At the last point of this epoch: how many there were, how many images, and the means over them.
        self._points, self._images, self._means = 0, 0, Row()

    # --- when it is called

    def on_fit_start(self, trainer: Trainer) -> None:
        done = trainer.epoch * trainer.steps_per_epoch
        self._first_step = done + 1 if done else 0  # the last point before a checkpoint stays
        if not done:
            self._write_parameters(trainer, step=0)
        self._is_first = True

    def on_epoch_start(self, trainer: Trainer) -> None:
        self._points, self._images, self._means = 0, 0, Row()

    def on_step_end(self, trainer: Trainer, step: Step) -> None:
        if self._is_first and step.x is not None:
            self._write_first_batch(trainer.model, step.x)
            self._is_first = False
        if step.number // self.every > self._points or step.number == trainer.steps_per_epoch:
            place = trainer.epoch * trainer.steps_per_epoch + step.number
            for name, value in self._since_last_point(step).items():
                self._file("train").scalar(name, value, place)
            self._file("train").scalar("learning_rate", step.lr, place)
            self._points = step.number // self.every

    def on_epoch_end(self, trainer: Trainer, row: Row) -> None:
        place = trainer.epoch * trainer.steps_per_epoch
        for name, value in row.items():
            if name.startswith("test_"):
                self._file("test").scalar(name.removeprefix("test_"), value, place)
        self._write_parameters(trainer, place)
        for file in self._files.values():
            file.flush()

    def on_fit_end(self, trainer: Trainer) -> None:
        while self._files:
            self._files.popitem()[1].close()

    # --- what it writes

    def _file(self, run: str) -> EventFile:
        """The event file of one of the two runs; without a test set there is no second one."""
        if run not in self._files:
            self._files[run] = EventFile(self.logdir / run, first_step=self._first_step)
        return self._files[run]

    def _since_last_point(self, step: Step) -> Row:
        """Means over the batches since the last point: the difference of two sums over the epoch so far."""
        images = step.images - self._images
        means = {
            name: (mean * step.images - self._means.get(name, 0.0) * self._images) / images
            for name, mean in step.means.items()
        }
        self._images, self._means = step.images, step.means
        return means

    def _write_parameters(self, trainer: Trainer, step: int) -> None:
        """All parameters, the gradients of the last batch, and the kernels of the first convolution."""
        file = self._file("train")
        for tag, tensor in _parameters_and_gradients(trainer.model):
            file.histogram(tag, tensor.numpy(), step)
        for name, module in trainer.model.named_modules():
            if isinstance(module, Conv2d):
                pixels = filters_mosaic(module.weight.numpy())
                file.image(f"filters/{name}".rstrip("/"), pixels, step, description=_FILTERS)
                break

    def _write_first_batch(self, model: Module, x: Tensor) -> None:
        """What went in, and how the model computes with it."""
        file = self._file("train")
        if x.ndim == 4:
            file.image("inputs", images_mosaic(x.numpy()), self._first_step, description=_INPUTS)
        file.graph(graph_def(Graph.of(rehearsed(model, x))))


def _parameters_and_gradients(model: Module) -> Iterator[tuple[str, Tensor]]:
    """Each under the tag that it has in TensorBoard."""
    for name, parameter in model.named_parameters():
        yield f"parameters/{name}", parameter
        if parameter.grad is not None:
            yield f"gradients/{name}", parameter.grad
