"""The real cuDNN plans our graphs, without a GPU; nothing is computed, so nothing is said about numbers.

Given a description of a device (its *properties*), cuDNN lists and builds plans for it wherever it is
installed. The description of an H100 below was put together by hand, as cuDNN does not document its form, and
is no real one's. Where there is no driver, a library of its name stands in for it, with functions that fail.

Skipped where nvidia-cudnn-frontend or cuDNN is missing; `nvidia-cudnn-cu13` is the package of the latter.
"""

from __future__ import annotations

import ctypes
import inspect
import re
import shutil
import subprocess
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location

import cudnn_stand_in
import pytest

from tinygrad_cnn_backends.cupy.convolution import graphs
from tinygrad_cnn_backends.cupy.convolution.keys import PlanKey

H100 = """{
    "deviceName": "NVIDIA H100 80GB HBM3", "deviceVer": 900, "driverVer": 13000, "cudaDeviceId": 0,
    "pciDeviceId": 9008, "isTccDriver": 0, "supportCoopLaunch": 1, "smCountOrigin": 0, "warpSize": 32,
    "multiProcessorCount": 132, "maxCtasPerSM": 32, "maxThreadsPerSM": 2048, "maxThreadsPerBlock": 1024,
    "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64],
    "regsPerBlock": 65536, "maxRegistersPerSM": 65536, "maxSharedMemoryPerBlock": 49152,
    "maxSharedMemoryPerBlockOptin": 232448, "oversizedSharedMemoryPerBlock": 0,
    "reservedSharedMemoryPerBlock": 1024, "totalGlobalMem": 85000000000, "l2CacheSize": 52428800,
    "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "memoryBusWidth": 5120
}"""
DRIVER = ("cuGetErrorString", "cuModuleGetFunction", "cuModuleLoadData", "cuModuleUnload")
DRIVER += ("cuTensorMapEncodeIm2col", "cuTensorMapEncodeTiled")

# Images, filters, stride, padding: of the networks that are measured.
LAYERS = {
    "LeNet-5, first": ((128, 1, 28, 28), (6, 1, 5, 5), 1, 2),
    "LeNet-5, second": ((128, 6, 14, 14), (16, 6, 5, 5), 1, 0),
    "VGG, first": ((256, 3, 32, 32), (64, 3, 3, 3), 1, 1),
    "VGG": ((256, 64, 16, 16), (128, 64, 3, 3), 1, 1),
    "ResNet-20, stride": ((128, 16, 32, 32), (32, 16, 3, 3), 2, 1),
    "ResNet-20, shortcut": ((128, 16, 32, 32), (32, 16, 1, 1), 2, 0),
    "ResNet-18": ((512, 256, 8, 8), (256, 256, 3, 3), 1, 1),
    "ResNet-18, stride": ((512, 256, 8, 8), (512, 256, 3, 3), 2, 1),
    "ResNet-18, last": ((512, 512, 4, 4), (512, 512, 3, 3), 1, 1),
    "a line": ((64, 8, 1, 100), (16, 8, 1, 5), 1, 0),
    "groups": ((16, 32, 14, 14), (32, 4, 3, 3), 1, 1),
    "each channel by itself": ((16, 32, 14, 14), (32, 1, 3, 3), 1, 1),
    "a volume": ((4, 8, 9, 9, 9), (16, 8, 3, 3, 3), 1, 1),
}
OPERATIONS = {
    "conv": {},
    "conv_bias": {},
    "conv_bias_relu": {"operation": "conv_bias", "relu": True},
    "conv_input_grad": {},
    "conv_weight_grad": {},
}
PRECISIONS = {
    "float32": {},
    "TF32": {"dtype": "float32", "tf32": True},
    "float64": {},
    "float16": {},
    "bfloat16": {},
}


@pytest.fixture(scope="module")
def cudnn(tmp_path_factory):
    if find_spec("cudnn") is None:
        pytest.skip("nvidia-cudnn-frontend is not installed")
    _stand_in_for_driver(tmp_path_factory.mktemp("driver"))
    try:
        module = import_module("cudnn")
        module.backend_version()
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"cuDNN cannot be used: {error}")
    return module


def _stand_in_for_driver(folder):
    """Load a libcuda that has the names that cuDNN links to, unless there is a real one."""
    try:
        ctypes.CDLL("libcuda.so.1", mode=ctypes.RTLD_GLOBAL)
        return
    except OSError:
        compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is neither a driver nor gcc to make a stand-in for one")
    source, library = folder / "cuda.c", folder / "libcuda.so.1"
    no_device = 100
    source.write_text("".join(f"int {name}(void) {{ return {no_device}; }}\n" for name in DRIVER))
    name = "-Wl,-soname,libcuda.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", name, "-o", library, source], check=True)
    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


@pytest.fixture(scope="module")
def device(cudnn):
    try:
        return cudnn.create_device_properties(H100)
    except RuntimeError as error:
        pytest.skip(f"this cuDNN describes devices otherwise: {error}")


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("layer", LAYERS)
def test_there_is_a_plan(cudnn, device, layer, operation, precision):
    image, filters, stride, padding = LAYERS[layer]
    spatial = len(image) - 2
    window = ((stride,) * spatial, ((padding, padding),) * spatial, (1,) * spatial)
    key = PlanKey(operation, precision, image, filters, *window, tf32=False, deterministic=True)
    key = key._replace(**OPERATIONS[operation], **PRECISIONS[precision])
    graph = graphs.listed(cudnn, key, device_property=device)
    assert any(_builds(cudnn, graph, index) for index in range(graph.get_execution_plan_count()))


@pytest.mark.parametrize("tf32", [False, True])
def test_windows_off_the_middle_have_plans(cudnn, device, tf32):
    for operation in ("conv", "conv_bias", "conv_input_grad", "conv_weight_grad"):
        key = PlanKey(
            *(operation, "float32", (4, 8, 9, 9), (8, 4, 3, 2)),
            *((2, 1), ((1, 0), (0, 2)), (1, 2)),
            tf32=tf32,
            deterministic=True,
        )
        graph = graphs.listed(cudnn, key, device_property=device)
        assert any(_builds(cudnn, graph, index) for index in range(graph.get_execution_plan_count()))


def _builds(cudnn, graph, index):
    try:
        graph.build_plan_at_index(index)
    except (RuntimeError, cudnn.cudnnGraphNotSupportedError):
        return False
    return True


# --- the stand-in has the interface of the real one -----------------------------------------------


@pytest.fixture(scope="module")
def stand_in():
    spec = spec_from_file_location("cudnn_of_numpy", cudnn_stand_in.FOLDER / "cudnn.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["data_type", "heur_mode", "numerical_note"])
def test_the_stand_in_has_no_other_constants(cudnn, stand_in, name):
    assert set(getattr(stand_in, name).__members__) <= set(getattr(cudnn, name).__members__)


FUNCTIONS = ("create_handle", "set_stream", "backend_version", "backend_version_string")
METHODS = (
    *("__init__", "tensor", "conv_fprop", "conv_dgrad", "conv_wgrad", "bias", "relu", "validate"),
    *("build_operation_graph", "create_execution_plans", "deselect_numeric_notes"),
    *("deselect_workspace_greater_than", "get_execution_plan_count", "get_plan_name_at_index"),
    *("build_plan_at_index", "get_workspace_size_plan_at_index", "execute_plan_at_index"),
)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        *((None, name) for name in FUNCTIONS),
        *(("pygraph", name) for name in METHODS),
        *(("tensor", f"set_{what}") for what in ("uid", "output", "data_type", "dim", "stride")),
    ],
)
def test_the_stand_in_takes_no_other_arguments(cudnn, stand_in, owner, name):
    real, ours = (
        getattr(module if owner is None else getattr(module, owner), name) for module in (cudnn, stand_in)
    )
    try:
        known = set(inspect.signature(real).parameters)
    except ValueError:  # made by pybind11, which writes signatures into the docstring
        known = set(re.findall(r"(\w+): ", real.__doc__ or ""))
    positional = {"self", "modes", "notes", "limit", "is_output", "data_type", "dim", "stride", "uid"}
    assert set(inspect.signature(ours).parameters) <= known | positional
