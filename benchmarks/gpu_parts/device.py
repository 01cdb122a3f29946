"""The GPU, its driver and the libraries on it: what a figure depends on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import machine
from peers import installed_version

# Everything that is asked of nvidia-smi about the clocks at the moment of a measurement.
CLOCKS = ("clocks.sm", "clocks.max.sm", "clocks.mem", "power.draw", "temperature.gpu")
_PACKAGES = (
    *("tinygrad-cnn", "numpy", "torch", "triton"),
    *("cupy", "cupy-cuda12x", "cupy-cuda13x", "nvidia-cudnn-frontend", "nvidia-cudnn-cu12"),
    *("nvidia-cudnn-cu13", "nvidia-cublas", "nvidia-cublas-cu12", "nvidia-cuda-runtime"),
)


def problem() -> tuple[str, str] | None:
    """Why there is no GPU to measure, and what to do about it; None if there is one."""
    from tinygrad_cnn_backends.cupy import probe

    found = probe.find_problem()
    return None if found is None else (found.reason, found.hint)


def describe(dry_run: bool) -> dict[str, Any]:
    """Machine, GPU and versions, as plain data. It takes GPU memory to find out, so: in a fresh process."""
    import tinygrad_cnn as tc

    backend = tc.get_backend("numpy" if dry_run else "cupy")
    return {
        **machine.describe(),
        "gpu": {"name": "none: a dry run"} if dry_run else _gpu(),
        "backend": backend.info(),
        "versions": {
            package: found for package in _PACKAGES if (found := installed_version(package)) is not None
        },
        "libraries": _libraries(),
    }


def stamp() -> dict[str, Any]:
    """When a row was measured, and how fast the GPU was ticking just then."""
    return {"date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "clocks": clocks()}


def clocks() -> dict[str, str]:
    """By name, as nvidia-smi says them; empty where it cannot be asked."""
    return _asked(CLOCKS)


def _asked(fields: Sequence[str]) -> dict[str, str]:
    """Facts that nvidia-smi knows about the GPU that CUDA takes."""
    number = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    command = ["nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader", f"--id={number}"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return {}
    values = [value.strip() for value in answer.strip().split(",")]
    return dict(zip(fields, values, strict=True)) if len(values) == len(fields) else {}


def _gpu() -> dict[str, Any]:
    cupy = import_module("cupy")
    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(cupy.cuda.Device().id)
    return {
        "name": properties["name"].decode(),
        "capability": cupy.cuda.Device().compute_capability,
        "multiprocessors": properties["multiProcessorCount"],
        "memory_bytes": properties["totalGlobalMem"],
        "driver_cuda": runtime.driverGetVersion(),
        "runtime_cuda": runtime.runtimeGetVersion(),
        **_asked(["driver_version"]),
    }


def _libraries() -> dict[str, Any]:
    """Versions that libraries tell themselves, which need not be those of the packages."""
    asked: dict[str, Callable[[], Any]] = {
        "cuDNN of ours": lambda: import_module("cudnn").backend_version(),
        "CUDA of PyTorch": lambda: import_module("torch").version.cuda,
        "cuDNN of PyTorch": lambda: import_module("torch").backends.cudnn.version(),
    }
    answers = {}
    for name, ask in asked.items():
        try:
            answers[name] = ask()
        except Exception:  # missing, or there is no such library on this machine
            answers[name] = None
    return answers
