"""`tinygrad-cnn doctor`: what is installed here, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version

import typer
from rich.console import Console
from rich.table import Table

from tinygrad_cnn import backend as backends
from tinygrad_cnn import data, learn
from tinygrad_cnn.cli import openblas
from tinygrad_cnn.cli.config import versions
from tinygrad_cnn.errors import DownloadError, TinygradCNNError
from tinygrad_cnn.viz import renderer

Fact = tuple[str, str]
DEVICE = "device"  # the fact about a backend that says where it computes, if that is not the processor

EXAMPLES = {
    "tinygrad-cnn doctor": "paste its output into a report of a problem",
}


def doctor(context: typer.Context) -> None:
    """Say what is installed here, what is missing, and what to do about it."""
    console = Console(highlight=False, markup=False)
    for title, facts in (
        ("Versions", versions().items()),
        ("Machine", _machine(context.obj)),
        ("Backends", _backends()),
        *_devices(),
        ("Drawing", _drawing()),
        ("Lessons", _lessons()),
        ("Datasets", _datasets()),
    ):
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, fact in facts:
            table.add_row(name, fact)
        console.print(title, style="bold underline")
        console.print(table)


def _machine(chosen_kernels: str | None) -> Iterator[Fact]:
    yield "processor", f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    if chosen_kernels is not None:
        setting = f"{openblas.CORETYPE}={chosen_kernels}"
        yield (
            "AVX-512",
            f"this command has set {setting}, which matrix products of OpenBLAS need to use it; "
            f"for scripts and notebooks, type before: export {setting}",
        )


def _backends() -> Iterator[Fact]:
    for name in backends.backends():
        default = " (the default)" if name == backends.default_backend() else ""
        try:
            info = backends.get_backend(name).info()
        except TinygradCNNError as error:
            yield name, f"unavailable{default}: {error.problem}"
            if error.hint is not None:
                yield "", f"to use it: {error.hint}"
        else:
            advice = info.pop("advice", None)
            facts = info.get(DEVICE) or ", ".join(f"{key} {value}" for key, value in info.items())
            yield name, f"available{default}: {facts}"
            if advice is not None:
                yield "", advice


def _devices() -> Iterator[tuple[str, Iterable[Fact]]]:
    """A block of its own for every backend that computes on a device: there is much to say of it."""
    for name in backends.backends():
        with suppress(TinygradCNNError):
            info = backends.get_backend(name).info()
            if DEVICE in info:
                yield f"The device of {name}", info.items()


def _drawing() -> Iterator[Fact]:
    yield "graphs", renderer() or "nothing draws them: pip install 'tinygrad-cnn[viz]'"
    yield "plots", _installed("matplotlib") or "nothing draws them: pip install 'tinygrad-cnn[viz]'"


def _lessons() -> Iterator[Fact]:
    for language in learn.languages():
        yield language, f"{len(learn.lessons(language))} lessons; tinygrad-cnn learn lists them"
    yield "progress", f"kept in {learn.Progress.load().path}"
    yield "notebooks", _installed("jupyterlab") or "nothing opens them: pip install 'tinygrad-cnn[learn]'"


def _installed(package: str) -> str | None:
    """A package with its version, where there is one."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return None


def _datasets() -> Iterator[Fact]:
    for name in data.names():
        try:
            found = data.load(name, download=False)
        except DownloadError:
            yield name, f"not here; tinygrad-cnn train --dataset {name} downloads it"
        except TinygradCNNError as error:
            yield name, str(error)
        else:
            yield name, f"{len(found.train):,} + {len(found.test):,} images, {found.license}"
