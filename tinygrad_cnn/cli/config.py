"""The settings of a run, as the command line takes them and as they stand in `config.toml`.

[run]                      every setting, also those left at their defaults: defaults may change one day
model = "lenet5"
...
[versions]                 what computed it; another version may round differently
numpy = "2.4.0"
...
"""

from __future__ import annotations

import dataclasses
import os
import platform
import tomllib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_type_hints

import tomli_w

from tinygrad_cnn._files import atomic_write
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, FileFormatError, UnknownName


@dataclass(frozen=True)
class RunConfig:
    """Everything that a run's numbers depend on.

    Attributes:
        model: a name of `tc.models`.
        dataset: a name of `tc.data`.
        backend: a name of `tc.backends()`.
        precision: a name of `recipe.PRECISIONS`.
        epochs: how often every training image is seen; None stands for what the dataset usually takes.
        batch_size: images in a step.
        optimizer: a name of `recipe.OPTIMIZERS`.
        lr: the highest learning rate that the schedule reaches; None stands for the optimizer's usual one.
        weight_decay: how strongly weights are pulled towards zero.
        schedule: a name of `recipe.SCHEDULES`.
        augment: show mirror images too (left and right exchanged); None for what suits the dataset.
        seed: of initial weights, order of images, dropout, augmentation.
        threads: processor threads to compute on; None stands for the backend's choice, one for each core.
    """

    model: str = "lenet5"
    dataset: str = "fashion-mini"
    backend: str = "numpy"
    precision: str = "float32"
    epochs: int | None = None
    batch_size: int = 64
    optimizer: str = "sgd"
    lr: float | None = None
    weight_decay: float = 5e-4
    schedule: str = "one-cycle"
    augment: bool | None = None
    seed: int = 0
    threads: int | None = None

    def write(self, path: Path) -> None:
        """Write `config.toml`, with the versions of everything that computes."""
        settings = {name: value for name, value in dataclasses.asdict(self).items() if value is not None}
        content = {"run": settings, "versions": versions()}
        text = f"# Repeat this run: tinygrad-cnn train --config {path}\n\n{tomli_w.dumps(content)}"
        with atomic_write(path) as file:
            file.write(text.encode())

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> RunConfig:
        """Read what `write` wrote, or a file with some of the settings; the others keep their defaults.

        Raises:
            FileFormatError: this is not TOML, or there is no [run] in it.
            UnknownName: there is a setting that does not exist.
            ArgumentTypeError: a setting is of another type.
            OSError: the file cannot be opened, with Python's own message.
        """
        if not Path(path).is_file():
            raise ArgumentError(
                f"{path}: there is no such file",
                expected="the config.toml of a run",
                hint="a run is named by its folder: tinygrad-cnn eval runs/lenet5-fashion-mini",
            )
        try:
            content = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:  # not TOML, or not even text
            raise FileFormatError(f"{path}: this is not a TOML file", got=str(error)) from error
        if not isinstance(content.get("run"), dict):
            raise FileFormatError(
                f"{path}: there are no settings of a run in it",
                expected="a table [run]",
                got=", ".join(content),
            )
        return cls(**_checked(content["run"], path))


def _checked(settings: dict[str, Any], path: str | os.PathLike[str]) -> dict[str, Any]:
    types = get_type_hints(RunConfig)
    for name, value in settings.items():
        if name not in types:
            raise UnknownName.among(name, types, kind="setting", argument=f"[run] of {path}")
        expected = types[name]
        # A whole number is a fine learning rate, but `true` is no number of epochs, though bool is an int.
        fits = isinstance(
            value, expected | int if expected == float | None or expected is float else expected
        )
        if not fits or isinstance(value, bool) != (expected == bool | None):
            raise ArgumentTypeError(
                f"{path}: the setting {name!r} is of another type",
                argument=name,
                expected=getattr(expected, "__name__", expected),
                got=repr(value),
            )
    return settings


def versions() -> dict[str, str]:
    """What computes here: Python, this package, NumPy, and the machine."""
    return {
        "python": platform.python_version(),
        "tinygrad-cnn": version("tinygrad-cnn"),
        "numpy": version("numpy"),
        "machine": f"{platform.system()} {platform.machine()}",
    }
