"""From the settings of a run to a Trainer and its data: what each name on the command line stands for."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from tinygrad_cnn import data, models, optim
from tinygrad_cnn._create import tensor
from tinygrad_cnn.backend import Backend, backends, get_backend
from tinygrad_cnn.cli.config import RunConfig
from tinygrad_cnn.errors import ArgumentError, UnknownName
from tinygrad_cnn.metrics import confusion_matrix
from tinygrad_cnn.ops.random import manual_seed
from tinygrad_cnn.train import Trainer


class Recipe(NamedTuple):
    """An optimizer, the learning rate it usually likes, and its other settings."""

    make: Callable[..., optim.Optimizer]
    lr: float
    options: Mapping[str, Any]


OPTIMIZERS = {
    "sgd": Recipe(optim.SGD, 0.05, {"momentum": 0.9, "nesterov": True}),
    "adam": Recipe(optim.Adam, 3e-3, {}),
}


class Precision(NamedTuple):
    """In which floats a network is computed: what the backend is told, and what `tc.amp` is."""

    options: Mapping[str, Any]
    autocast: str | None


PRECISIONS = {
    "float32": Precision({}, None),
    "tf32": Precision({"tf32": True}, None),  # on GPUs only
    "bfloat16": Precision({}, "bfloat16"),
    "float16": Precision({}, "float16"),
}
# 60,000 images take LeNet-5 about as far as it gets in six epochs; fewer must be seen more often.
USUAL_EPOCHS = 6
EPOCHS = {"fashion-mini": 12}
SCHEDULES: dict[str, Callable[..., optim.LRScheduler] | None] = {
    "one-cycle": partial(optim.OneCycleLR, cycle_momentum=False),
    "constant": None,
}


def resolve(config: RunConfig) -> RunConfig:
    """The settings with every choice made, so that they are the same run on the next version of this file.

    Raises:
        UnknownName: there is no such model, dataset, backend, optimizer or schedule.
        BackendUnavailable: the backend cannot run here; says why.
        BackendError: it does not know the precision.
        ArgumentError: the backend is one that does not compute.
    """
    for kind, name, known in (
        ("model", config.model, models.names()),
        ("dataset", config.dataset, data.names()),
        ("backend", config.backend, backends()),
        ("precision", config.precision, PRECISIONS),
        ("optimizer", config.optimizer, OPTIMIZERS),
        ("schedule", config.schedule, SCHEDULES),
    ):
        if name not in known:
            raise UnknownName.among(name, known, kind=kind, argument=f"--{kind}")
    backend = backend_of(config)
    if not backend.executes:
        raise ArgumentError(
            f"the {config.backend} backend computes nothing, so nothing can be learned on it",
            argument="--backend",
            got=config.backend,
        )
    if config.threads is not None:
        backend.set_num_threads(config.threads)
    epochs = EPOCHS.get(config.dataset, USUAL_EPOCHS) if config.epochs is None else config.epochs
    lr = OPTIMIZERS[config.optimizer].lr if config.lr is None else config.lr
    # A mirrored coat is a coat; a mirrored 2 is no 2.
    augment = config.dataset != "mnist" if config.augment is None else config.augment
    return dataclasses.replace(config, epochs=epochs, lr=lr, augment=augment, threads=_threads(backend))


def backend_of(config: RunConfig) -> Backend:
    """What computes, set to the precision of the run.

    Raises:
        BackendError: it does not know this precision.
    """
    return get_backend(config.backend, **PRECISIONS[config.precision].options)


def _threads(backend: Backend) -> int | None:
    """How many processor threads the backend computes on, if it says so."""
    threads = backend.info().get("threads")
    return None if threads is None else int(threads)


class Job(NamedTuple):
    """A Trainer and what it is to learn."""

    trainer: Trainer
    dataset: data.ImageCollection
    train_loader: data.DataLoader
    test_loader: data.DataLoader
    epochs: int

    def confusion(self) -> Any:
        """How many test images of each class (rows) are taken for which (columns)."""
        outputs = self.trainer.predict(self.test_loader)
        labels = tensor(self.dataset.test.labels, backend=outputs.backend)
        return confusion_matrix(outputs, labels, len(self.dataset.classes))


def prepare(config: RunConfig) -> Job:
    """Load the data, draw the initial weights, and put a Trainer around them; `config` is a resolved one."""
    assert config.epochs is not None
    assert config.lr is not None
    dataset = data.load(config.dataset)
    flips = [data.RandomHorizontalFlip()] if config.augment else []
    train_loader = data.DataLoader(
        dataset.train,
        config.batch_size,
        shuffle=True,
        seed=config.seed,
        transform=data.Compose([*flips, dataset.standardize]),
    )
    test_loader = data.DataLoader(dataset.test, batch_size=500, transform=dataset.standardize)

    manual_seed(config.seed)
    model = models.create(config.model)
    recipe = OPTIMIZERS[config.optimizer]
    optimizer = recipe.make(
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay, **recipe.options
    )
    make_schedule = SCHEDULES[config.schedule]
    steps = config.epochs * len(train_loader)
    scheduler = (
        None if make_schedule is None else make_schedule(optimizer, max_lr=config.lr, total_steps=steps)
    )
    precision = PRECISIONS[config.precision].autocast
    trainer = Trainer(model, optimizer, scheduler=scheduler, precision=precision)
    return Job(trainer, dataset, train_loader, test_loader, config.epochs)
