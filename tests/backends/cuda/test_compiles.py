"""Every kernel compiles for a GPU, by NVIDIA's compiler. That says nothing about whether it works on one."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec

import pytest

from tinygrad_cnn_backends.cupy.kernels import launch

ARCHITECTURES = ("sm_80", "sm_90")  # A100, H100


def compiled_by_nvcc(code, names, arch, folder):
    """By the compiler for the command line, which makes what the host part of a program refers to."""
    addresses = ", ".join(f"(const void*)&{name}" for name in names)
    path = folder / "kernels.cu"
    path.write_text(f"{code}\nextern const void* const kernels[] = {{{addresses}}};\n", encoding="utf-8")
    cubin = path.with_suffix(".cubin")
    options = (*launch.OPTIONS, "-cubin", f"-arch={arch}", "-Werror", "all-warnings", "-o", str(cubin))
    done = subprocess.run(["nvcc", *options, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return cubin.read_bytes()


def compiled_by_nvrtc(code, names, arch):
    """By the compiler in a library, which CuPy uses."""
    from cuda.core import Program, ProgramOptions

    program = Program(code, "c++", ProgramOptions(arch=arch, std="c++17"))
    return bytes(program.compile("cubin", name_expressions=tuple(names)).code)


@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_compiles(source, arch, few_instances, tmp_path):
    code, names = launch.read_source(source), few_instances(source)
    if shutil.which("nvcc"):
        cubin = compiled_by_nvcc(code, names, arch, tmp_path)
    elif find_spec("cuda") and find_spec("cuda.core"):
        cubin = compiled_by_nvrtc(code, names, arch)
    else:
        pytest.skip(
            "neither nvcc nor cuda.core is installed; either could compile for a GPU that is not there"
        )
    for name in names:
        assert name.split("<")[0].encode() in cubin
