"""Who is measured on a GPU, and on what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import networks as net
from peers import Entry, installed_version
from workloads import Workload

from gpu_parts.run import Run, rounding


class _Contender(NamedTuple):
    """A contender's names in tables, on a GPU and in a dry run, and its class in `peers/gpu_*.py`."""

    title: str
    dry_title: str
    class_name: str


_CONTENDERS = {
    "captured": _Contender("tinygrad_cnn, captured", "tinygrad_cnn on NumPy, captured", "Captured"),
    "captured-timed": _Contender(
        "tinygrad_cnn, captured, timed plans", "tinygrad_cnn on NumPy, captured, no plans to time", "Captured"
    ),
    "eager": _Contender("tinygrad_cnn, eager", "tinygrad_cnn on NumPy, eager", "Eager"),
    "torch": _Contender("PyTorch, eager", "PyTorch on the CPU, eager", "Eager"),
    "torch-compile": _Contender(
        "PyTorch, torch.compile", "PyTorch on the CPU, torch.compile, graph only", "Compiled"
    ),
    "torch-graph": _Contender("PyTorch, CUDA graph", "PyTorch on the CPU, eager for a graph", "Graphed"),
}
CONTENDERS = tuple(_CONTENDERS)

_GREY, _COLOUR = (1, 28, 28), (3, 32, 32)

# As many steps as make a turn of a few tenths of a second, if a step takes a tenth of a millisecond or more.
WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("lenet-b128", "LeNet-5", net.LENET5, _GREY, 128, 1000),
        Workload("cnn-bn-b256", "CNN with batch norm", net.SMALL_CNN, _GREY, 256, 500),
        Workload("vgg-small-b256", "small VGG", net.SMALL_VGG, _COLOUR, 256, 200),
        Workload("resnet20-b128", "ResNet-20", net.RESNET20, _COLOUR, 128, 100),
        Workload("resnet20-b512", "ResNet-20", net.RESNET20, _COLOUR, 512, 50),
        Workload("resnet18-b128", "ResNet-18", net.RESNET18, _COLOUR, 128, 40),
        Workload("resnet18-b512", "ResNet-18", net.RESNET18, _COLOUR, 512, 20),
    )
}
_DRY_BATCH = 4


def title(name: str, *, dry_run: bool) -> str:
    """As it stands in tables."""
    found = _CONTENDERS[name]
    return found.dry_title if dry_run else found.title


def setting(row: dict[str, Any], *, dry_run: bool) -> str:
    """How a row was measured, in words."""
    return f"{rounding(row['precision'], dry_run=dry_run)}, PyTorch {row['layout']}"


def workload(name: str, run: Run) -> Workload:
    """The workload of that name, as small as the run is short; its title tells the batch."""
    found = WORKLOADS[name]
    if run.dry_run:
        short = f"{found.title}, batch {_DRY_BATCH} instead of {found.batch}"
        return replace(found, title=short, batch=_DRY_BATCH, steps=1)
    found = replace(found, title=f"{found.title}, batch {found.batch}")
    return replace(found, steps=10) if run.quick else found


def entries(names: Sequence[str], precision: str, run: Run) -> dict[str, Entry]:
    """The contenders of these names, as the harness starts them."""
    return {name: _entry(name, precision, run) for name in names}


def missing(found: dict[str, Entry]) -> dict[str, str]:
    """Why some of them cannot take part, by name."""
    return {
        name: f"{entry.package} is not installed"
        for name, entry in found.items()
        if installed_version(entry.package) is None
    }


def _entry(name: str, precision: str, run: Run) -> Entry:
    called, class_name = title(name, dry_run=run.dry_run), _CONTENDERS[name].class_name
    options: dict[str, Any] = {"precision": precision, "dry_run": run.dry_run}
    if name.startswith("torch"):
        return Entry(called, "torch", "gpu_pytorch", class_name, options=options | {"layout": run.layout})
    if name == "captured-timed":
        options["plans"] = str(run.plans)
    return Entry(called, "tinygrad-cnn", "gpu_ours", class_name, options=options)
