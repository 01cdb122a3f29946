"""The command line prepares OpenBLAS before NumPy is there."""

import subprocess
import sys

import pytest

from tinygrad_cnn.cli import openblas

ZEN3 = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx avx2 fma\n"
ZEN5 = "vendor_id\t: AuthenticAMD\nflags\t\t: fpu avx2 avx512f avx512dq avx512cd avx512bw avx512vl\n"
XEON = ZEN5.replace("AuthenticAMD", "GenuineIntel")
XEON_PHI = ZEN5.replace("avx512vl", "avx512pf")
ARM = "processor\t: 0\nFeatures\t: fp asimd\n"


@pytest.mark.parametrize(
    ("processor", "better"),
    [(ZEN5, "SkylakeX"), (ZEN3, None), (XEON, None), (XEON_PHI, None), (ARM, None), ("", None)],
)
def test_only_what_is_certain_to_help_is_set(tmp_path, processor, better):
    cpuinfo, environment = tmp_path / "cpuinfo", {}
    cpuinfo.write_text(f"processor\t: 0\n{processor}\nprocessor\t: 1\n{processor}")
    assert openblas.choose_kernels(environment, cpuinfo) == better
    assert environment == ({} if better is None else {"OPENBLAS_CORETYPE": better})


def test_the_users_choice_stays(tmp_path):
    cpuinfo, environment = tmp_path / "cpuinfo", {"OPENBLAS_CORETYPE": "Haswell"}
    cpuinfo.write_text(ZEN5)
    assert openblas.choose_kernels(environment, cpuinfo) is None
    assert environment == {"OPENBLAS_CORETYPE": "Haswell"}


def test_other_systems_are_left_alone(tmp_path):
    environment = {}
    assert openblas.choose_kernels(environment, tmp_path / "no such file") is None
    assert environment == {}


def test_numpy_is_not_loaded_before_the_choice():
    code = """
import os, sys
import tinygrad_cnn.cli
assert "numpy" not in sys.modules

def choose():
    assert "numpy" not in sys.modules
    os.environ["OPENBLAS_CORETYPE"] = "Nehalem"
    return "Nehalem"

tinygrad_cnn.cli.choose_kernels = choose
sys.argv = ["tinygrad-cnn", "doctor"]
tinygrad_cnn.cli.main()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "export OPENBLAS_CORETYPE=Nehalem" in " ".join(ran.stdout.split())


def test_doctor_is_silent_where_nothing_was_set(run):
    assert "OPENBLAS_CORETYPE" not in run("doctor").output


def test_doctor_passes_on_what_a_backend_advises(run, monkeypatch):
    info = {"version": "2", "advice": "sit up straight"}
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.NumpyBackend.info", lambda self: dict(info))
    lines = [line.strip() for line in run("doctor").stdout.splitlines()]
    (place,) = [k for k, line in enumerate(lines) if line.startswith("numpy ") and "available" in line]
    assert lines[place + 1] == "sit up straight"
