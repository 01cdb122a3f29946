"""Can CuPy compute here? If not: why not, and what to type.

Between a script and its GPU stand a Python package, NVIDIA's libraries, the driver and the device, and each
of them can be missing or too old for another. CuPy is imported without any of the others and fails at the
first array, with the words of whichever layer noticed. Here the layers are asked one after the other, from
the top, so that the first answer "no" is the reason:

    package     installed, once, and not too old
    driver      there, and at least as new as the libraries that the package is made for
    device      there, not hidden, and not too old for those libraries
    libraries   NVRTC, which compiles kernels, and cuBLAS, which multiplies matrices

Nothing of this happens before somebody asks for the backend.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from importlib import import_module, metadata, util
from typing import Any, NamedTuple

from tinygrad_cnn.errors import BackendUnavailable

OLDEST_CUPY = 14  # has the names of the Python Array API, as NumPy 2 has
PACKAGES = ("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x")  # each brings a folder `cupy`
DRIVER_LIBRARIES = ("libcuda.so.1", "nvcuda.dll")  # on Linux, on Windows
HIDING = "CUDA_VISIBLE_DEVICES"
# The oldest generation of GPUs that the libraries of a CUDA version compute on: Maxwell, Turing.
OLDEST_CAPABILITY = {12: 50, 13: 75}

INSTALL_13 = "pip install 'tinygrad-cnn[gpu]'"
INSTALL_12 = "pip install 'tinygrad-cnn[gpu-cuda12]'"
INSTALL_DRIVER = "install NVIDIA's driver, then `nvidia-smi` lists the GPU"

# Of the numbers that CUDA gives its errors, those that say something about the machine.
_DRIVER_TOO_OLD, _NO_DEVICE, _DRIVERS_DIFFER = 35, 100, 803


class Problem(NamedTuple):
    """Why there is no GPU to compute on, and what to do about it."""

    reason: str
    hint: str


def load() -> Any:
    """The module `cupy`, once it is known that it can compute here.

    Raises:
        BackendUnavailable: it cannot; says why and what to type.
    """
    problem = find_problem()
    if problem is not None:
        raise BackendUnavailable(problem.reason, hint=problem.hint)
    return import_module("cupy")


def find_problem() -> Problem | None:
    """The first thing that is in the way, or None."""
    checks: tuple[Callable[[], Problem | None], ...] = (_package, _import, _device, _capability, _libraries)
    return next(filter(None, (check() for check in checks)), None)


# --- the package ----------------------------------------------------------------------------------


def _package() -> Problem | None:
    installed = [name for name in PACKAGES if _is_installed(name)]
    if len(installed) > 1:
        return Problem(
            f"{' and '.join(installed)} are both installed and overwrite each other's files",
            f"pip uninstall {' '.join(installed)}; {install_line()}",
        )
    if util.find_spec("cupy") is None:
        without = "" if driver_version() else ", and neither is an NVIDIA driver"
        return Problem(f"CuPy is not installed{without}", install_line())
    return None


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def install_line() -> str:
    """What installs the CuPy that fits the driver; both lines where there is no driver to ask."""
    version = driver_version()
    if version is None:
        return f"{INSTALL_13} (with a driver older than CUDA 13: {INSTALL_12})"
    return INSTALL_13 if version >= 13000 else INSTALL_12


def driver_version() -> int | None:
    """The newest CUDA that the driver can run, 13000 for 13.0; None without a driver. Does not need CuPy."""
    for name in DRIVER_LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        version = ctypes.c_int()
        if library.cuDriverGetVersion(ctypes.byref(version)) == 0:
            return version.value
    return None


def _import() -> Problem | None:
    try:
        cupy = import_module("cupy")
    except ImportError as error:
        # CuPy frames what the loader said in a long general advice; the loader's own line is the last.
        lines = [line for line in str(error).splitlines() if line.strip(" =")] or [type(error).__name__]
        return Problem(f"CuPy cannot be imported: {lines[-1].strip()}", install_line())
    if int(cupy.__version__.split(".")[0]) < OLDEST_CUPY:
        return Problem(
            f"CuPy {cupy.__version__} is installed, and {OLDEST_CUPY} or newer is needed",
            f"pip install --upgrade cupy; or, for a package with libraries, {install_line()}",
        )
    return None


# --- driver and device ----------------------------------------------------------------------------


def _device() -> Problem | None:
    runtime = import_module("cupy").cuda.runtime
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        return _no_devices(runtime, error)
    return None if count else _none_visible()


def _no_devices(runtime: Any, error: Any) -> Problem:
    needed, found = runtime.runtimeGetVersion(), runtime.driverGetVersion()
    if error.status == _DRIVER_TOO_OLD and not found:
        return Problem("there is no NVIDIA driver", INSTALL_DRIVER)
    if error.status == _DRIVER_TOO_OLD:
        older = f", or a CuPy for it: pip uninstall cupy-cuda{needed // 1000}x; {INSTALL_12}"
        return Problem(
            f"the driver runs CUDA up to {dotted(found)}, and CuPy is made for CUDA {dotted(needed)}",
            f"install a newer driver{older if found // 1000 == 12 else ''}",
        )
    if error.status == _NO_DEVICE:
        return _none_visible()
    if error.status == _DRIVERS_DIFFER:
        return Problem("the driver has been updated and the old one is still running", "restart the machine")
    return Problem(f"the driver says: {error}", "nvidia-smi may say more")


def _none_visible() -> Problem:
    if HIDING in os.environ:
        return Problem(
            f"{HIDING}={os.environ[HIDING]!r} hides every GPU",
            f"unset {HIDING}, or set it to a GPU's number in the list of `nvidia-smi`",
        )
    return Problem("there is a driver, but no GPU", "nvidia-smi lists the GPUs that the driver sees")


def _capability() -> Problem | None:
    cuda = import_module("cupy").cuda
    capability, version = int(cuda.Device().compute_capability), cuda.runtime.runtimeGetVersion()
    oldest = OLDEST_CAPABILITY.get(version // 1000, 0)
    if capability >= oldest:
        return None
    fits_12 = version >= 13000 and capability >= OLDEST_CAPABILITY[12]
    return Problem(
        f"the GPU is too old: its compute capability is {capability / 10}, "
        f"and CUDA {version // 1000} needs {oldest / 10}",
        f"pip uninstall cupy-cuda13x; {INSTALL_12}" if fits_12 else "a newer GPU, or the numpy backend",
    )


def dotted(version: int) -> str:
    """A version as CUDA counts them, 12040, as people do: 12.4."""
    return f"{version // 1000}.{version % 1000 // 10}"


# --- NVIDIA's libraries ---------------------------------------------------------------------------


def _libraries() -> Problem | None:
    cuda = import_module("cupy").cuda
    for name, touch in (("NVRTC", cuda.nvrtc.getVersion), ("cuBLAS", cuda.get_cublas_handle)):
        try:
            touch()  # libraries are found when they are first used
        except (ImportError, RuntimeError, OSError) as error:
            said = (str(error).splitlines() or [type(error).__name__])[0]
            return Problem(
                f"{name}, one of CUDA's libraries, cannot be used: {said}",
                INSTALL_13 if cuda.runtime.runtimeGetVersion() >= 13000 else INSTALL_12,
            )
    return None
