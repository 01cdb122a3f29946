"""`tinygrad-cnn doctor`: what is installed here, what is missing, and what to do about it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from rich.console import Console
from rich.table import Table
from threadpoolctl import threadpool_info

from tinygrad_cnn import backend as backends
from tinygrad_cnn import data
from tinygrad_cnn.cli.config import versions
from tinygrad_cnn.errors import DownloadError, TinygradCNNError
from tinygrad_cnn.viz import renderer

Fact = tuple[str, str]

# OpenBLAS chooses its kernels by the processor's maker as well as by its abilities, and on some processors
# chooses slower ones than they can run.
_WITHOUT_AVX512 = {"Haswell", "Zen"}
_AVX512 = {"X86_V4", "AVX512_SKX"}  # NumPy's names for it, new and old

EXAMPLES = {
    "tinygrad-cnn doctor": "paste its output into a report of a problem",
}


def doctor() -> None:
    """Say what is installed here, what is missing, and what to do about it."""
    console = Console(highlight=False, markup=False)
    for title, facts in (
        ("Versions", versions().items()),
        ("Machine", _machine()),
        ("Backends", _backends()),
        ("Drawing", _drawing()),
        ("Datasets", _datasets()),
    ):
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for name, fact in facts:
            table.add_row(name, fact)
        console.print(title, style="bold underline")
        console.print(table)


def _machine() -> Iterator[Fact]:
    yield "processor", f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores"
    libraries = [library for library in threadpool_info() if library["user_api"] == "blas"]
    if not libraries:
        yield "BLAS", "unknown: NumPy's library of matrix products does not say which it is"
    for library in libraries:
        kernels = f", kernels for {library['architecture']}" if "architecture" in library else ""
        yield (
            "BLAS",
            f"{library['internal_api']} {library['version']}, {library['num_threads']} threads{kernels}",
        )
        if library.get("architecture") in _WITHOUT_AVX512 and _AVX512 & set(_simd_extensions()):
            yield "", "it leaves AVX-512 unused: try OPENBLAS_CORETYPE=SkylakeX in the environment"


def _simd_extensions() -> list[str]:
    """What the processor can do with several numbers at once, as NumPy calls it."""
    found: list[str] = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    return found


def _backends() -> Iterator[Fact]:
    chosen = os.environ.get(backends.ENVIRONMENT_VARIABLE) or backends.DEFAULT
    for name in backends.backends():
        try:
            info = backends.get_backend(name).info()
        except TinygradCNNError as error:
            yield name, f"unavailable: {error}"
        else:
            facts = ", ".join(f"{key} {value}" for key, value in info.items())
            yield name, f"available{' (the default)' if name == chosen else ''}: {facts}"


def _drawing() -> Iterator[Fact]:
    yield "graphs", renderer() or "nothing draws them: pip install 'tinygrad-cnn[viz]'"
    try:
        yield "plots", f"matplotlib {version('matplotlib')}"
    except PackageNotFoundError:
        yield "plots", "nothing draws them: pip install 'tinygrad-cnn[viz]'"


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
