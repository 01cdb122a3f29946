"""Every reason why CuPy cannot compute here, each with what to type; no CuPy and no GPU are needed for it."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import BackendUnavailable
from tinygrad_cnn_backends.cupy import probe

INSUFFICIENT_DRIVER, NO_DEVICE, DRIVERS_DIFFER, UNKNOWN = 35, 100, 803, 999


class CUDARuntimeError(RuntimeError):
    def __init__(self, status):
        super().__init__(f"cudaError {status}")
        self.status = status


def raising(error):
    def function(*_):
        raise error

    return function


def fake_cupy(**changes):
    """As much of CuPy as the probe asks, all well; `changes` says what is not."""
    facts = {
        "version": "14.2.0",
        "devices": lambda: 1,
        "driver": 13000,
        "runtime": 13020,
        "capability": "90",
        "nvrtc": lambda: (13, 2),
        "cublas": lambda: 1,
        **changes,
    }
    runtime = SimpleNamespace(
        CUDARuntimeError=CUDARuntimeError,
        getDeviceCount=facts["devices"],
        driverGetVersion=lambda: facts["driver"],
        runtimeGetVersion=lambda: facts["runtime"],
    )
    cuda = SimpleNamespace(
        runtime=runtime,
        Device=lambda: SimpleNamespace(compute_capability=facts["capability"]),
        nvrtc=SimpleNamespace(getVersion=facts["nvrtc"]),
        get_cublas_handle=facts["cublas"],
    )
    return SimpleNamespace(__version__=facts["version"], cuda=cuda, __spec__=SimpleNamespace(name="cupy"))


@pytest.fixture
def machine(monkeypatch):
    """A machine where all is well, but for the changes; returns what the probe finds."""

    def prepared(*, installed=("cupy-cuda13x",), driver=13000, **changes):
        monkeypatch.setattr(probe, "_is_installed", lambda name: name in installed)
        monkeypatch.setattr(probe, "driver_version", lambda: driver or None)
        monkeypatch.setitem(sys.modules, "cupy", fake_cupy(driver=driver, **changes))
        return probe.find_problem()

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return prepared


def test_nothing_is_in_the_way(machine):
    assert machine() is None
    assert probe.load() is sys.modules["cupy"]


# --- the package


@pytest.mark.parametrize(
    ("driver", "reason", "hint"),
    [
        (None, "CuPy is not installed, and neither is an NVIDIA driver", "pip install 'tinygrad-cnn[gpu]' ("),
        (13000, "CuPy is not installed", "pip install 'tinygrad-cnn[gpu]'"),
        (12040, "CuPy is not installed", "pip install 'tinygrad-cnn[gpu-cuda12]'"),
    ],
)
def test_without_cupy_the_line_fits_the_driver(monkeypatch, driver, reason, hint):
    monkeypatch.setattr(probe, "driver_version", lambda: driver)
    monkeypatch.setattr(probe, "_is_installed", lambda name: False)
    monkeypatch.setattr(probe.util, "find_spec", lambda name: None)
    problem = probe.find_problem()
    assert problem.reason == reason
    assert problem.hint.startswith(hint)


def test_two_packages_at_once(machine):
    problem = machine(installed=("cupy", "cupy-cuda12x"), driver=12040)
    assert problem.reason == "cupy and cupy-cuda12x are both installed and overwrite each other's files"
    assert problem.hint == "pip uninstall cupy cupy-cuda12x; pip install 'tinygrad-cnn[gpu-cuda12]'"


def test_an_import_that_fails_says_what_the_loader_said(machine, monkeypatch):
    machine()
    said = (
        "\n====\nFailed to import.\n\nOriginal error:\n  ImportError: libcudart.so.13: no such file\n====\n"
    )
    monkeypatch.setattr(probe, "import_module", raising(ImportError(said)))
    assert probe.find_problem().reason == (
        "CuPy cannot be imported: ImportError: libcudart.so.13: no such file"
    )


def test_a_cupy_that_is_too_old(machine):
    problem = machine(version="13.6.0")
    assert problem.reason == "CuPy 13.6.0 is installed, and 14 or newer is needed"
    assert "pip install --upgrade cupy" in problem.hint


# --- driver and device


def test_no_driver(machine):
    problem = machine(devices=raising(CUDARuntimeError(INSUFFICIENT_DRIVER)), driver=0)
    assert problem == ("there is no NVIDIA driver", probe.INSTALL_DRIVER)


def test_a_driver_older_than_the_runtime(machine):
    problem = machine(devices=raising(CUDARuntimeError(INSUFFICIENT_DRIVER)), driver=12040)
    assert problem.reason == "the driver runs CUDA up to 12.4, and CuPy is made for CUDA 13.2"
    assert problem.hint == (
        "install a newer driver, or a CuPy for it: "
        "pip uninstall cupy-cuda13x; pip install 'tinygrad-cnn[gpu-cuda12]'"
    )


def test_a_driver_older_than_any_cupy(machine):
    problem = machine(devices=raising(CUDARuntimeError(INSUFFICIENT_DRIVER)), driver=11080)
    assert problem.hint == "install a newer driver"


@pytest.mark.parametrize("devices", [raising(CUDARuntimeError(NO_DEVICE)), lambda: 0])
def test_no_device(machine, monkeypatch, devices):
    assert machine(devices=devices).reason == "there is a driver, but no GPU"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    problem = machine(devices=devices)
    assert problem.reason == "CUDA_VISIBLE_DEVICES='-1' hides every GPU"
    assert problem.hint.startswith("unset CUDA_VISIBLE_DEVICES")


def test_a_driver_that_was_updated_while_in_use(machine):
    assert machine(devices=raising(CUDARuntimeError(DRIVERS_DIFFER))).hint == "restart the machine"


def test_any_other_trouble_is_passed_on(machine):
    problem = machine(devices=raising(CUDARuntimeError(UNKNOWN)))
    assert problem.reason == "the driver says: cudaError 999"


@pytest.mark.parametrize(
    ("capability", "runtime", "reason", "hint"),
    [
        (
            "70",
            13000,
            "is 7.0, and CUDA 13 needs 7.5",
            "pip uninstall cupy-cuda13x; pip install 'tinygrad-cnn[gpu-cuda12]",
        ),
        ("37", 13000, "is 3.7, and CUDA 13 needs 7.5", "a newer GPU"),
        ("37", 12040, "is 3.7, and CUDA 12 needs 5.0", "a newer GPU"),
    ],
)
def test_a_gpu_that_is_too_old(machine, capability, runtime, reason, hint):
    problem = machine(capability=capability, runtime=runtime)
    assert problem.reason == f"the GPU is too old: its compute capability {reason}"
    assert problem.hint.startswith(hint)


@pytest.mark.parametrize(("capability", "runtime"), [("75", 13000), ("120", 13000), ("70", 12040)])
def test_a_gpu_that_is_new_enough(machine, capability, runtime):
    assert machine(capability=capability, runtime=runtime) is None


# --- NVIDIA's libraries


@pytest.mark.parametrize(
    ("changes", "reason", "hint"),
    [
        (
            {"nvrtc": raising(RuntimeError('Failure finding "libnvrtc.so.13"\nand so on'))},
            'NVRTC, one of CUDA\'s libraries, cannot be used: Failure finding "libnvrtc.so.13"',
            "pip install 'tinygrad-cnn[gpu]'",
        ),
        (
            {"cublas": raising(ImportError("libcublas.so.12: cannot open")), "runtime": 12040},
            "cuBLAS, one of CUDA's libraries, cannot be used: libcublas.so.12: cannot open",
            "pip install 'tinygrad-cnn[gpu-cuda12]'",
        ),
    ],
)
def test_libraries_that_are_missing(machine, changes, reason, hint):
    assert machine(**changes) == (reason, hint)


# --- asking for the backend


def test_the_backend_is_listed_without_importing_anything():
    code = (
        "import sys, tinygrad_cnn as tc; assert 'cupy' in tc.backends(); "
        "tc.ones(2) + 1; assert not {'cupy', 'tinygrad_cnn_backends.cupy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_who_asks_for_it_is_told_why_not(machine):
    machine(devices=raising(CUDARuntimeError(NO_DEVICE)))
    with pytest.raises(BackendUnavailable) as caught:
        tc.use_backend("cupy")
    assert str(caught.value).splitlines() == [
        "there is a driver, but no GPU",
        f"  at:       {caught.value.where}",
        "  try:      nvidia-smi lists the GPUs that the driver sees",
    ]
    assert str(caught.value.where).startswith("test_cupy_probe.py:")
    assert 'tc.use_backend("cupy")' in str(caught.value.where)


def test_the_driver_is_asked_without_cupy(monkeypatch):
    def library(name):
        def answer(version):
            version._obj.value = 12080
            return 0

        if name != probe.DRIVER_LIBRARIES[1]:
            raise OSError
        return SimpleNamespace(cuDriverGetVersion=answer)

    monkeypatch.setattr(probe.ctypes, "CDLL", library)
    assert probe.driver_version() == 12080
    monkeypatch.setattr(probe.ctypes, "CDLL", raising(OSError()))
    assert probe.driver_version() is None


# --- the doctor


class Answer(SimpleNamespace):
    """A backend that can be asked about itself."""

    def info(self):
        return dict(self.facts)


@pytest.fixture
def doctor(monkeypatch):
    from typer.testing import CliRunner

    from tinygrad_cnn import backend
    from tinygrad_cnn.cli.app import app

    real = backend.get_backend

    def said(cupy):
        monkeypatch.setattr(backend, "get_backend", lambda name: cupy() if name == "cupy" else real(name))
        result = CliRunner().invoke(app, ["doctor"])
        assert result.exit_code == 0, result.output
        return " ".join(result.stdout.split())

    return said


def test_doctor_says_why_there_is_no_gpu_and_what_to_type(doctor):
    error = BackendUnavailable("there is no NVIDIA driver", hint="install it")
    said = doctor(raising(error))
    assert "cupy unavailable: there is no NVIDIA driver to use it: install it" in said
    assert "device" not in said


def test_doctor_describes_the_gpu_in_a_block_of_its_own(doctor):
    facts = {"device": "a GPU (number 0)", "driver": "CUDA 13.0", "convolutions": "windows"}
    said = doctor(lambda: Answer(facts=facts))
    assert "cupy available: a GPU (number 0) meta available" in said
    assert "The device of cupy device a GPU (number 0) driver CUDA 13.0 convolutions windows Drawing" in said
