"""On what and with what the figures were measured: processor, BLAS kernels, date, state of the code."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def describe() -> dict[str, Any]:
    """Machine, date and commit, as plain data. Imports NumPy, to see which kernels its BLAS has chosen."""
    import numpy as np

    from tinygrad_cnn_backends.numpy import blas

    library = blas.library()
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "machine": {
            "processor": _processor(),
            "processors": os.cpu_count(),
            "memory_bytes": _memory(),
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "numpy": np.__version__,
            "blas": f"{library.get('internal_api', 'unknown')} {library.get('version', '')}".strip(),
            "blas_kernels": library.get("architecture", "unknown"),
            "OPENBLAS_CORETYPE": os.environ.get(blas.CORETYPE, ""),
            "advice": blas.advice(),
        },
    }


def sentence(results: dict[str, Any]) -> str:
    """The machine in words."""
    machine = results["machine"]
    memory = f"{machine['memory_bytes'] / 2**30:.0f} GiB" if machine["memory_bytes"] else "unknown memory"
    kernels = f"{machine['blas_kernels']} kernels"
    if machine["OPENBLAS_CORETYPE"]:
        kernels += f", by OPENBLAS_CORETYPE={machine['OPENBLAS_CORETYPE']}"
    return (
        f"{results['date']}, commit {results['commit']}: {machine['processor']}, {results['threads']} of "
        f"{machine['processors']} processors, {memory}, {machine['system']}, Python {machine['python']}, "
        f"NumPy {machine['numpy']} on {machine['blas']} ({kernels})"
    )


def _processor() -> str:
    """Its name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _commit() -> str:
    """The commit, with a plus sign where files have been changed since."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
