"""Convolutions of the CuPy backend through cuDNN, both of them stand-ins made of NumPy: no GPU is needed.

The stand-in for cuDNN computes from what cuDNN is told, sizes, strides and addresses, so these tests notice
wrong ones. What the real library makes of the same graphs is asked in `test_cudnn_planning.py`.
"""

from __future__ import annotations

import json
import sys
import warnings

import cudnn_stand_in
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_arrays import normal, relaid, seeds

import tinygrad_cnn as tc
from tinygrad_cnn.errors import BackendError, OutOfMemory
from tinygrad_cnn.ops import window as ops
from tinygrad_cnn.testing import conformance
from tinygrad_cnn.testing.samples import cases, has_gradient
from tinygrad_cnn_backends.cupy import CupyBackend
from tinygrad_cnn_backends.cupy.convolution import FUSED, KERNELS, choice, graphs, operations
from tinygrad_cnn_backends.cupy.convolution.keys import PlanKey

READABLE = conformance.READABLE
OPERATIONS = (ops.conv, ops.conv_input_grad, ops.conv_weight_grad)
MODES = {"strict": {}, "tf32": {"tf32": True}}
TOLERANCE = {"float16": 2e-3, "float32": 1e-6, "tf32": 2e-3, "float64": 1e-13}
WINDOW = {"stride": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1}


@pytest.fixture(scope="module")
def modules():
    with cudnn_stand_in.installed() as both:
        yield both


@pytest.fixture(scope="module")
def cupy(modules):
    return modules[0]


@pytest.fixture
def cudnn(modules):
    modules[1].reset()
    yield modules[1]
    modules[1].reset()


@pytest.fixture
def backend(cupy, cudnn):
    return CupyBackend()


def on_device(cupy, x, order="contiguous"):
    """An array of the stand-in, lying in that order of memory."""
    if order == "channels last":
        return cupy.moveaxis(cupy.array(np.moveaxis(x, 1, -1), order="C"), -1, 1)
    device = cupy.array(x, order="C")
    if order == "misaligned":  # as a part of a larger array is
        device = cupy.empty((x.size + 1,), x.dtype)[1:]
        device._host[...] = x.ravel()
        return cupy.reshape(device, x.shape)
    device._host = relaid(device._host, order)
    return device


def assert_close(got, expected, precision):
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(got.get() / scale, expected / scale, rtol=0, atol=TOLERANCE[precision])


def images_lie(x, channels_last):
    """Without gaps, in one of the two orders."""
    host = np.moveaxis(x._host, 1, -1) if channels_last else x._host
    return host.flags.c_contiguous


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", conformance.TOLERANCE)
@pytest.mark.parametrize("case", cases(*OPERATIONS), ids=str)
def test_the_operations_conform(cupy, cudnn, monkeypatch, case, dtype, mode):
    if mode == "tf32":
        monkeypatch.setitem(conformance.TOLERANCE, "float32", 5e-3)
    backend = CupyBackend(**MODES[mode])
    conformance.test_shapes_and_dtypes_are_the_inferred_ones(backend, case, dtype)
    conformance.test_values_equal_the_readable_kernel(backend, case, dtype)
    assert has_gradient(case)
    conformance.test_gradients_equal_the_readable_kernels(backend, case, dtype)
    has_elements = all(0 not in draw.shape for draw in case.sample.inputs)
    assert bool(cudnn.state.executed) is has_elements


@st.composite
def convolutions(draw):
    """Shapes of images and filters, and a window; lines, images and volumes."""
    ndim = draw(st.integers(1, 3))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(ndim))

    kernel, stride, dilation = each(1, 3), each(1, 3), each(1, 2)
    padding = tuple(zip(each(0, 2), each(0, 2), strict=True))
    size = tuple(
        max(1, d * (k - 1) + 1 - sum(p)) + more
        for d, k, p, more in zip(dilation, kernel, padding, each(0, 3), strict=True)
    )
    groups, inner, outer = (draw(st.integers(1, 3)) for _ in range(3))
    image = (draw(st.integers(1, 3)), groups * inner, *size)
    filters = (groups * outer, inner, *kernel)
    window = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return image, filters, window


orders = st.sampled_from(
    ["contiguous", "channels last", "misaligned", "reversed", "batch last", "strided", "fortran"]
)
precisions = st.sampled_from(["float16", "float32", "tf32", "float64"])


@given(convolutions(), precisions, orders, orders, seeds, st.booleans())
@settings(deadline=None)
def test_any_window_any_order_of_memory(modules, convolution, precision, order, other, seed, relu):
    cupy, cudnn = modules
    cudnn.reset()
    B = CupyBackend(tf32=precision == "tf32")
    dtype = np.dtype("float32" if precision == "tf32" else precision)
    image, filters, window = convolution
    x, w, bias = (normal(seed, shape, dtype) for shape in (image, filters, filters[:1]))
    wide_x, wide_w, wide_bias = (array.astype(np.float64) for array in (x, w, bias))
    out = ops.conv.kernel(READABLE, wide_x, wide_w, **window)
    g = normal(seed + 1, out.shape, dtype)
    wide_g = g.astype(np.float64)
    on_images, on_filters = on_device(cupy, x, order), on_device(cupy, w, other)
    gradient = on_device(cupy, g, other)

    channels_last = precision in ("tf32", "float16")
    found = KERNELS["conv"](B, on_images, on_filters, **window)
    assert found.dtype == dtype
    assert images_lie(found, channels_last)
    assert_close(found, out, precision)

    found = FUSED["conv_bias"](B, on_images, on_filters, on_device(cupy, bias), relu=relu, **window)
    biased = out + wide_bias.reshape(-1, *(1,) * (x.ndim - 2))
    assert_close(found, np.maximum(biased, 0) if relu else biased, precision)

    found = KERNELS["conv_input_grad"](B, gradient, on_filters, size=image[2:], **window)
    expected = ops.conv_input_grad.kernel(READABLE, wide_g, wide_w, size=image[2:], **window)
    assert images_lie(found, channels_last)
    assert_close(found, expected, precision)

    found = KERNELS["conv_weight_grad"](B, on_images, gradient, kernel_size=filters[2:], **window)
    expected = ops.conv_weight_grad.kernel(READABLE, wide_x, wide_g, kernel_size=filters[2:], **window)
    assert found._host.flags.c_contiguous
    assert_close(found, expected, precision)
    assert len(cudnn.state.executed) == 4


@pytest.mark.parametrize("kernel", ["conv", "conv_input_grad", "conv_weight_grad"])
def test_sixteen_bits_of_the_other_kind(backend, cupy, cudnn, kernel):
    bfloat16 = pytest.importorskip("ml_dtypes").bfloat16
    arrays = {"x": (2, 3, 5, 5), "w": (4, 3, 3, 3), "grad": (2, 4, 5, 5)}
    takes = {"conv": ("x", "w"), "conv_input_grad": ("grad", "w"), "conv_weight_grad": ("x", "grad")}[kernel]
    more = {"conv_input_grad": {"size": (5, 5)}, "conv_weight_grad": {"kernel_size": (3, 3)}}.get(kernel, {})
    inputs = [normal(place, arrays[name], np.float32).astype(bfloat16) for place, name in enumerate(takes)]
    found = KERNELS[kernel](backend, *(on_device(cupy, array) for array in inputs), **WINDOW, **more)
    wide = [array.astype(np.float64) for array in inputs]
    expected = getattr(ops, kernel).kernel(READABLE, *wide, **WINDOW, **more)
    assert found.dtype == bfloat16
    np.testing.assert_allclose(found.get().astype(np.float64), expected, rtol=2**-8, atol=1e-2)
    assert cudnn.state.executed


# --- which plan -----------------------------------------------------------------------------------


def once(B, dtype="float32", **changes):
    """A convolution of ones."""
    x, w = (tc.ones(*shape, dtype=dtype, backend=B).array for shape in ((2, 4, 6, 6), (4, 4, 3, 3)))
    return KERNELS["conv"](B, x, w, **{**WINDOW, **changes})


def used(cudnn):
    return cudnn.state.executed[-1][0]


@pytest.mark.parametrize(
    ("options", "dtype", "plan"),
    [
        ({}, "float32", "eng0"),
        ({"deterministic": False}, "float32", "eng1"),
        ({"tf32": True}, "float32", "eng5_k2=3"),
        ({"tf32": True, "deterministic": False}, "float32", "eng7_k2=4"),
        ({}, "float64", "eng5_k2=3"),
        ({}, "float16", "eng5_k2=3"),
    ],
)
def test_the_first_plan_that_does_nothing_unwanted_to_numbers(cupy, cudnn, options, dtype, plan):
    once(CupyBackend(**options), dtype)
    assert used(cudnn) == plan


def test_a_plan_is_made_once(backend, cudnn):
    for _ in range(3):
        once(backend)
    assert cudnn.state.graphs == 1
    assert len(cudnn.state.executed) == 3


KEY = PlanKey(
    "conv",
    "float32",
    (2, 4, 6, 6),
    (4, 4, 3, 3),
    (1, 1),
    ((1, 1), (1, 1)),
    (1, 1),
    tf32=False,
    deterministic=True,
)


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "conv_bias"},
        {"dtype": "float64"},
        {"image": (3, 4, 6, 6)},
        {"filters": (4, 2, 3, 3)},
        {"stride": (2, 1)},
        {"padding": ((1, 1), (1, 0))},
        {"dilation": (1, 2)},
        {"tf32": True},
        {"deterministic": False},
        {"operation": "conv_bias", "relu": True},
    ],
    ids=str,
)
def test_keys_differ_in_whatever_a_plan_depends_on(change):
    changed = KEY._replace(**change)
    assert changed != KEY
    assert str(changed) != str(KEY)


def test_texts_of_keys_tell_a_relu_from_none():
    biased = KEY._replace(operation="conv_bias")
    assert str(biased) != str(biased._replace(relu=True))


@pytest.mark.parametrize(
    "change", [{"stride": (2, 2)}, {"padding": ((1, 1), (1, 0))}, {"dilation": (1, 2)}, {"dtype": "float16"}]
)
def test_another_window_is_another_plan(backend, cudnn, change):
    once(backend)
    once(backend, **change)
    assert cudnn.state.graphs == 2


def test_plans_that_want_much_memory_are_not_considered(cupy, cudnn, monkeypatch):
    once(CupyBackend(tf32=True, deterministic=False))
    assert used(cudnn) == "eng7_k2=4"  # 8 bytes for each of 4 filters
    monkeypatch.setattr(graphs, "WORKSPACE_LIMIT", 31)
    once(CupyBackend(tf32=True, deterministic=False))
    assert used(cudnn) == "eng1"


# --- memory and streams ---------------------------------------------------------------------------


def test_the_workspace_is_of_the_pool_in_force_at_the_call(backend, cupy, cudnn, monkeypatch):
    asked = []
    alloc = cupy.cuda.alloc
    once(backend)
    monkeypatch.setattr(cupy.cuda, "alloc", lambda size: asked.append(size) or alloc(size))
    once(backend)
    assert asked == [4 * 4]


def test_runs_follow_the_stream(backend, cupy, cudnn):
    once(backend)
    with cupy.cuda.Stream(non_blocking=True) as other:
        once(backend)
    once(backend)
    default = cupy.cuda.get_current_stream().ptr
    assert [stream for _, stream in cudnn.state.executed] == [default, other.ptr, default]
    assert cudnn.state.handles == [1]


def test_images_that_lie_as_wanted_are_not_copied(cupy, cudnn, monkeypatch):
    x = on_device(cupy, np.ones((2, 4, 6, 6), np.float32), "channels last")
    w = on_device(cupy, np.ones((4, 4, 3, 3), np.float32))
    backend = CupyBackend(tf32=True)
    monkeypatch.setattr(type(x), "copy", lambda *_, **__: pytest.fail("a copy"))
    out = KERNELS["conv"](backend, x, w, **WINDOW)
    KERNELS["conv_input_grad"](backend, out, w, size=(6, 6), **WINDOW)
    KERNELS["conv_weight_grad"](backend, x, out, kernel_size=(3, 3), **WINDOW)
    assert len(cudnn.state.executed) == 3


# --- without a plan -------------------------------------------------------------------------------


@pytest.fixture
def products(monkeypatch):
    """The names of what the fallback is asked for; `cuda/test_im2col.py` runs its kernels."""
    asked = []

    def readable(op):
        def computed(B, *arrays, **params):
            asked.append(op.name)
            return op.kernel(B, *arrays, **params)

        return computed

    for op in OPERATIONS:
        monkeypatch.setattr(operations.fallback, op.name, readable(op))
    return asked


def no_handle():
    raise RuntimeError("cudnnHandle Create failed\nand more")


@pytest.mark.parametrize(
    ("hide", "reason"),
    [
        (lambda patch, cudnn: patch.setitem(sys.modules, "cudnn", None), "cannot be imported"),
        (
            lambda patch, cudnn: patch.setattr(cudnn, "create_handle", no_handle),
            "used: cudnnHandle Create failed",
        ),
        (lambda patch, cudnn: patch.setattr(cudnn.state, "version", 8907), "cuDNN 0.89.7 is too old"),
    ],
    ids=["not installed", "no handle", "too old"],
)
def test_without_cudnn_matrices_are_multiplied_which_is_said_once(
    backend, cudnn, products, monkeypatch, hide, reason
):
    hide(monkeypatch, cudnn)
    with pytest.warns(UserWarning, match=rf"{reason}.*pip install") as said:
        out = once(backend)
    assert len(said) == 1
    with warnings.catch_warnings(action="error"):
        once(backend, stride=(2, 2))
    assert products == ["conv", "conv"]
    assert out.get().max() == 36
    assert not cudnn.state.executed
    assert reason in backend.convolutions.info()["convolutions"]


def test_what_cudnn_has_no_plan_for_is_said_once_for_each_reason(backend, cudnn, products):
    cudnn.state.unsupported = lambda graph: graph.window.stride != (1, 1) and "No valid engine configs\nmore"
    once(backend)
    with pytest.warns(UserWarning, match=r"no plan for conv .* stride 2x2.*: No valid engine configs$"):
        once(backend, stride=(2, 2))
    with warnings.catch_warnings(action="error"):
        once(backend, stride=(2, 2))
    with pytest.warns(UserWarning, match="stride 3x3"):
        once(backend, stride=(3, 3))
    assert products == ["conv"] * 3
    assert cudnn.state.graphs == 3, "a refusal is remembered"
    facts = backend.convolutions.info()
    assert facts["convolutions"] == "cuDNN 9.28.0, plans in cuDNN's order"
    assert facts["convolutions without cuDNN"].count("no plan") == 2


def test_no_plan_is_precise_enough(backend, cudnn, products, monkeypatch):
    monkeypatch.setattr(cudnn, "PLANS", cudnn.PLANS[:3])
    with pytest.warns(UserWarning, match="as precisely as asked for"):
        once(backend)
    assert products == ["conv"]


def test_what_has_no_element_or_four_dimensions_is_no_matter_of_cudnn(backend, cudnn, products):
    x, w = (tc.ones(*shape, backend=backend).array for shape in ((0, 4, 6, 6), (4, 4, 3, 3)))
    assert KERNELS["conv"](backend, x, w, **WINDOW).shape == (0, 4, 6, 6)
    x, w = (tc.ones(2, 1, 3, 3, 3, 3, backend=backend).array for _ in range(2))
    window = {"stride": (1,) * 4, "padding": ((0, 0),) * 4, "dilation": (1,) * 4, "groups": 1}
    assert KERNELS["conv"](backend, x, w, **window).shape == (2, 2, 1, 1, 1, 1)
    assert products == ["conv", "conv"]
    assert not cudnn.state.graphs


def test_info_without_overrides_does_not_look_for_cudnn(cupy, cudnn):
    info = CupyBackend(overrides=False).info()
    assert info["convolutions"].startswith("windows as columns of a matrix")
    assert not cudnn.state.handles
    assert "conv" not in CupyBackend().info()["own kernels"].split(", ")


# --- choosing by the clock ------------------------------------------------------------------------


@pytest.fixture
def clock(cupy, cudnn, monkeypatch):
    """A clock that shows what each plan is said to take; another, 1."""
    takes = {}
    ran = lambda: takes.get(cudnn.state.executed[-1][0], 1.0)  # noqa: E731
    monkeypatch.setattr(cupy.cuda, "get_elapsed_time", lambda start, end: ran())
    return takes


def test_the_quickest_plan_is_found_once_and_written_down(cupy, cudnn, clock, tmp_path):
    path = tmp_path / "plans.json"
    clock["eng1"] = 0.5
    backend = CupyBackend(deterministic=False, benchmark=str(path))
    out = once(backend)
    assert used(cudnn) == "eng1"
    assert out.get().max() == 36
    timed = len(cudnn.state.executed)
    assert timed == 2 * (choice.WARM_UP + choice.ROUNDS * choice.RUNS) + 1  # two plans are acceptable
    once(backend)
    assert len(cudnn.state.executed) == timed + 1
    content = json.loads(path.read_text())
    assert (content["device"], content["cuDNN"]) == ("a GPU made of NumPy", "9.28.0")
    assert content["plans"] == {str(KEY._replace(deterministic=False)): "eng1"}


def test_what_is_written_down_is_not_timed_again(cupy, cudnn, clock, tmp_path):
    path = tmp_path / "plans.json"
    options = {"deterministic": False, "benchmark": str(path)}
    clock["eng1"] = 0.5
    once(CupyBackend(**options))
    clock.update(eng1=2.0, eng0=0.1)
    timed = len(cudnn.state.executed)
    once(CupyBackend(**options))
    assert used(cudnn) == "eng1"
    assert len(cudnn.state.executed) == timed + 1


def test_of_equals_the_first_and_none_that_does_not_fit(cupy, cudnn, clock, tmp_path, monkeypatch):
    options = {"deterministic": False, "tf32": True}
    once(CupyBackend(**options, benchmark=str(tmp_path / "a.json")))
    assert used(cudnn) == "eng7_k2=4"
    alloc = cupy.cuda.alloc

    def little(size):
        if size == 8 * 4:
            raise cupy.cuda.memory.OutOfMemoryError(size)
        return alloc(size)

    monkeypatch.setattr(cupy.cuda, "alloc", little)
    once(CupyBackend(**options, benchmark=str(tmp_path / "b.json")))
    assert used(cudnn) == "eng5_k2=3"


def test_nothing_is_timed_while_a_step_is_captured(cupy, cudnn, clock, tmp_path, monkeypatch):
    path = tmp_path / "plans.json"
    clock["eng0"] = 0.5
    backend = CupyBackend(deterministic=False, benchmark=str(path))
    with monkeypatch.context() as patch:
        patch.setattr(cupy.cuda.Stream, "is_capturing", lambda self: True)
        once(backend)
    once(backend)
    assert [plan for plan, _ in cudnn.state.executed] == ["eng1", "eng1"]
    assert not path.exists()


BROKEN = {"no JSON": "{", "no table": "[]", "no plans": '{"device": "a", "cuDNN": "b"}'}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_file_of_another_kind_is_refused(cupy, cudnn, tmp_path, content):
    path = tmp_path / "plans.json"
    path.write_text(content)
    with pytest.raises(BackendError, match="does not hold a choice of plans"):
        CupyBackend(benchmark=str(path))


@pytest.mark.parametrize("fact", ["device", "cuDNN"])
def test_a_file_made_elsewhere_is_refused(cupy, cudnn, clock, tmp_path, fact):
    path = tmp_path / "plans.json"
    once(CupyBackend(benchmark=str(path)))
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, fact: "another"}))
    with pytest.raises(BackendError, match="holds a choice made elsewhere") as caught:
        CupyBackend(benchmark=str(path))
    assert "another" in str(caught.value)
    assert "a GPU made of NumPy" in str(caught.value)


def test_a_plan_that_cudnn_does_not_have_is_an_error(cupy, cudnn, clock, tmp_path):
    path = tmp_path / "plans.json"
    once(CupyBackend(benchmark=str(path)))
    path.write_text(path.read_text().replace("eng0", "eng99"))
    with pytest.raises(BackendError, match="does not offer the plan"):
        once(CupyBackend(benchmark=str(path)))


def test_there_is_nothing_to_choose_from_without_cudnn(cupy, cudnn, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "cudnn", None)
    with pytest.raises(BackendError, match="no plans to choose from"):
        CupyBackend(benchmark=str(tmp_path / "plans.json"))


def test_a_benchmark_is_a_path(cupy, cudnn):
    with pytest.raises(BackendError, match="benchmark is a path"):
        CupyBackend(benchmark=True)


def test_out_of_memory_in_a_workspace_is_explained(backend, cupy, monkeypatch):
    x, w = (tc.ones(*shape, backend=backend) for shape in ((2, 4, 6, 6), (4, 4, 3, 3)))

    def refuse(size):
        raise cupy.cuda.memory.OutOfMemoryError(2**34)

    monkeypatch.setattr(cupy.cuda, "alloc", refuse)
    with pytest.raises(OutOfMemory, match=r"conv.*16.0 GiB was asked for"):
        tc.functional.conv2d(x, w)
