"""A stand-in for `cudnn`, the module of nvidia-cudnn-frontend, that computes on the processor.

It has the names, keywords and order of calls that our backend relies on, as versions 1.18 to 1.26 have them,
and is told nothing but what cuDNN is told: sizes, strides, addresses. From these it computes, so a wrong
stride gives wrong numbers. Where cuDNN would read rubbish or crash, this refuses: a step left out, a keyword
it does not know, memory that does not lie at a multiple of 16 bytes, a workspace that is too small.

Every graph has five plans, to have something to choose from; `PLANS` says what becomes of numbers in each.
"""

import ctypes
import enum
import itertools
import math
from types import SimpleNamespace

import numpy as np

__version__ = "1.26.0"
ALIGNMENT = 16


def _enum(name, members):
    return enum.Enum(name, members.split())


data_type = _enum(
    "data_type",
    "FLOAT DOUBLE HALF INT8 INT32 INT8x4 UINT8 UINT8x4 INT8x32 BFLOAT16 INT64 BOOLEAN FP8_E4M3 FP8_E5M2 "
    "FAST_FLOAT_FOR_FP8 FP8_E8M0 FP4_E2M1 INT4 NOT_SET",
)
heur_mode = _enum("heur_mode", "A B FALLBACK")
numerical_note = _enum(
    "numerical_note",
    "TENSOR_CORE DOWN_CONVERT_INPUTS REDUCED_PRECISION_REDUCTION FFT NONDETERMINISTIC WINOGRAD "
    "WINOGRAD_TILE_4x4 WINOGRAD_TILE_6x6 WINOGRAD_TILE_13x13 STRICT_NAN_PROP",
)
NUMPY = {data_type.FLOAT: "float32", data_type.DOUBLE: "float64", data_type.HALF: "float16"}

# name, notes, bytes of workspace for each filter, digits that factors keep (None: all)
PLANS = (
    ("eng9_k2=1", {"DOWN_CONVERT_INPUTS"}, 0, 7),
    ("eng7_k2=4", {"NONDETERMINISTIC", "TENSOR_CORE"}, 8, 10),
    ("eng5_k2=3", {"TENSOR_CORE"}, 64, 10),
    ("eng1", {"NONDETERMINISTIC"}, 0, None),
    ("eng0", set(), 4, None),
)

state = SimpleNamespace(submit=lambda stream, work: work())  # what happened, for tests to look at


def reset():
    """Forget everything: handles, streams, plans built, executions; and what tests have changed."""
    state.__dict__.update(
        handles=[],
        streams={},
        graphs=0,
        executed=[],
        workspaces={},
        unsupported=lambda graph: None,
        version=92800,
    )


reset()


class cudnnGraphNotSupportedError(Exception):  # noqa: N801 - cuDNN's name
    pass


def backend_version():
    return state.version


def backend_version_string():
    return f"{state.version // 10000}.{state.version // 100 % 100}.{state.version % 100}"


def create_handle():
    state.handles.append(len(state.handles) + 1)
    return state.handles[-1]


def set_stream(handle, stream):
    assert handle in state.handles
    state.streams[handle] = stream


def _integers(values, count=None):
    assert all(type(value) is int for value in values), "cuDNN takes Python's integers"
    assert count is None or len(values) == count
    return tuple(values)


class tensor:  # noqa: N801 - cuDNN's name
    """Sizes, strides and a dtype; those of a result are said later."""

    def __init__(self, make=None):
        self.dim = self.stride = self.data_type = self.uid = None
        self.is_output = False
        self.make = make  # how a result comes from numbers by uid

    def set_uid(self, uid):
        self.uid = uid
        return self

    def set_output(self, is_output):
        self.is_output = is_output
        return self

    def set_data_type(self, data_type):
        self.data_type = data_type
        return self

    def set_dim(self, dim):
        self.dim = _integers(dim)
        return self

    def set_stride(self, stride):
        self.stride = _integers(stride)
        return self


class pygraph:  # noqa: N801 - cuDNN's name
    def __init__(
        self,
        name="test_graph",
        io_data_type=data_type.NOT_SET,
        intermediate_data_type=data_type.NOT_SET,
        compute_data_type=data_type.NOT_SET,
        handle=None,
    ):
        assert handle in state.handles
        self.compute = compute_data_type
        self.intermediate = intermediate_data_type
        self.tensors = []
        self.done = []
        self.barred = set()
        self.built = set()
        self.limit = math.inf
        state.graphs += 1

    # --- what to compute

    def tensor(self, dim, stride, data_type=data_type.NOT_SET, uid=-1):
        made = tensor().set_dim(dim).set_stride(stride).set_data_type(data_type).set_uid(uid)
        assert len(made.dim) == len(made.stride) in (4, 5)
        assert min(made.dim) > 0
        self.tensors.append(made)
        return made

    def _result(self, make):
        self.tensors.append(tensor(make))
        return self.tensors[-1]

    def conv_fprop(self, image, weight, pre_padding=(), post_padding=(), stride=(), dilation=()):
        window = _Window(image.dim, weight.dim, pre_padding, post_padding, stride, dilation)

        def make(result, values):
            return window.forward(values(image), values(weight), result.dim)

        self.window = window
        return self._result(make)

    def conv_dgrad(self, loss, filter, pre_padding=(), post_padding=(), stride=(), dilation=()):
        def make(result, values):
            window = _Window(result.dim, filter.dim, pre_padding, post_padding, stride, dilation)
            return window.to_image(values(loss), values(filter))

        return self._result(make)

    def conv_wgrad(self, image, loss, pre_padding=(), post_padding=(), stride=(), dilation=()):
        def make(result, values):
            window = _Window(image.dim, result.dim, pre_padding, post_padding, stride, dilation)
            return window.to_filters(values(image), values(loss))

        return self._result(make)

    def bias(self, input, bias):
        assert bias.dim[0] == 1 == max(bias.dim[2:])
        return self._result(lambda result, values: self._computed(input, result, values) + values(bias))

    def relu(self, input):
        return self._result(lambda result, values: np.maximum(self._computed(input, result, values), 0))

    @staticmethod
    def _computed(inner, result, values):
        """What comes in between has the result's shape, and no memory."""
        assert not inner.is_output
        inner.dim = result.dim
        return inner.make(inner, values)

    # --- which ways there are

    def _step(self, name, after):
        assert after is None or after in self.done, f"{name} comes after {after}"
        self.done.append(name)

    def validate(self):
        self._step("validate", None)
        results = [made for made in self.tensors if made.is_output]
        assert len(results) == 1
        assert all(None not in (made.dim, made.stride, made.uid) for made in results)
        uids = [made.uid for made in self.tensors if made.uid is not None]
        assert len(set(uids)) == len(uids)
        wide = data_type.DOUBLE if results[0].data_type is data_type.DOUBLE else data_type.FLOAT
        assert self.compute is self.intermediate is wide, "sums would be as narrow as the numbers"

    def build_operation_graph(self):
        self._step("build_operation_graph", "validate")

    def create_execution_plans(self, modes):
        self._step("create_execution_plans", "build_operation_graph")
        assert all(isinstance(mode, heur_mode) for mode in modes)
        problem = state.unsupported(self)
        if problem:
            raise cudnnGraphNotSupportedError(problem)

    def deselect_numeric_notes(self, notes):
        assert "create_execution_plans" in self.done, "there is nothing to choose from yet"
        assert all(isinstance(note, numerical_note) for note in notes)
        names = {note.name for note in notes}
        self.barred |= {index for index, plan in enumerate(PLANS) if plan[1] & names}

    def deselect_workspace_greater_than(self, limit):
        self.limit = limit

    def get_execution_plan_count(self):
        return len(PLANS)

    def get_plan_name_at_index(self, index):
        return PLANS[index][0]

    def build_plan_at_index(self, index):
        assert "create_execution_plans" in self.done
        if index in self.barred or self._workspace(index) > self.limit:
            raise RuntimeError("[cudnn_frontend] Error: Deselecting execution plan")
        self.built.add(index)

    def _workspace(self, index):
        return PLANS[index][2] * max(made.dim[0] for made in self.tensors if made.dim)

    def get_workspace_size_plan_at_index(self, index):
        return self._workspace(index) if index in self.built else 0

    # --- computing

    def execute_plan_at_index(self, tensor_to_device_buffer, workspace, index, handle=None):
        assert index in self.built, "a plan is built before it runs"
        assert handle in state.handles
        assert handle in state.streams, "a handle needs a stream"
        self._check(workspace, self._workspace(index))
        result = next(made for made in self.tensors if made.is_output)
        inputs = [made for made in self.tensors if made.make is None]
        assert set(tensor_to_device_buffer) == {made.uid for made in (*inputs, result)}
        assert all(type(address) is int for address in tensor_to_device_buffer.values())
        state.executed.append((PLANS[index][0], state.streams[handle]))
        addresses = dict(tensor_to_device_buffer)
        state.submit(state.streams[handle], lambda: self._compute(addresses, workspace, index))

    @staticmethod
    def _check(workspace, size):
        if size:
            assert workspace % ALIGNMENT == 0
            assert state.workspaces.get(workspace, 0) >= size, "the workspace is too small"

    def _compute(self, addresses, workspace, index):
        """What the device does, when its stream gets there; it knows addresses only."""
        if workspace:
            ctypes.memset(workspace, 0xA5, self._workspace(index))  # all of it, as cuDNN may
        digits = PLANS[index][3]
        arrays = {
            made.uid: _view(made, addresses[made.uid]) for made in self.tensors if made.uid in addresses
        }

        def values(made):
            wide = arrays[made.uid].astype(np.float64)
            return (
                wide if digits is None or made.data_type is not data_type.FLOAT else _shortened(wide, digits)
            )

        result = next(made for made in self.tensors if made.is_output)
        arrays[result.uid][...] = result.make(result, values)


def _view(made, address):
    """The numbers at an address, by sizes and strides only."""
    assert address % ALIGNMENT == 0, "cuDNN reads 16 bytes at once"
    dtype = _numpy(made.data_type)
    reach = 1 + sum((size - 1) * step for size, step in zip(made.dim, made.stride, strict=True))
    memory = np.frombuffer((ctypes.c_char * (reach * dtype.itemsize)).from_address(address), np.uint8)
    steps = tuple(step * dtype.itemsize for step in made.stride)
    return np.lib.stride_tricks.as_strided(memory.view(dtype), made.dim, steps)


def _numpy(kind):
    if kind is data_type.BFLOAT16:
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(NUMPY[kind])


def _shortened(numbers, digits):
    """The same with that many binary digits after the first."""
    mantissa, exponent = np.frexp(numbers)
    return np.ldexp(np.round(mantissa * 2.0 ** (digits + 1)), exponent - digits - 1)


class _Window:
    """Where the cells of a window fall, with a loop over the cells."""

    def __init__(self, image, filters, before, after, stride, dilation):
        spatial = len(image) - 2
        self.image, self.filters = image, filters
        self.before, self.after = _integers(before, spatial), _integers(after, spatial)
        self.stride, self.dilation = _integers(stride, spatial), _integers(dilation, spatial)
        self.groups = image[1] // filters[1]
        self.size = tuple(
            (size + b + a - d * (k - 1) - 1) // s + 1
            for size, b, a, d, k, s in zip(
                image[2:], self.before, self.after, self.dilation, filters[2:], self.stride, strict=True
            )
        )

    def _cells(self, padded):
        """Each cell, and the pixels that it meets, one for each window."""
        for cell in itertools.product(*map(range, self.filters[2:])):
            starts = [c * d for c, d in zip(cell, self.dilation, strict=True)]
            places = tuple(
                slice(at, at + s * (n - 1) + 1, s)
                for at, s, n in zip(starts, self.stride, self.size, strict=True)
            )
            pixels = padded[(slice(None), slice(None), *places)]
            yield cell, pixels.reshape(len(pixels), self.groups, -1, *self.size)

    def _padded(self, x):
        return np.pad(x, ((0, 0), (0, 0), *zip(self.before, self.after, strict=True)))

    def _grouped(self, w):
        return w.reshape(self.groups, -1, *w.shape[1:])

    def forward(self, x, w, shape):
        assert shape == (len(x), len(w), *self.size)
        out = 0
        for cell, pixels in self._cells(self._padded(x)):
            out = out + np.einsum("ngc...,goc->ngo...", pixels, self._grouped(w)[(..., *cell)])
        return out.reshape(shape)

    def to_filters(self, x, grad):
        places = math.prod(self.size)
        grad = grad.reshape(len(x), self.groups, -1, places)
        w = np.empty((self.groups, grad.shape[2], *self.filters[1:]))
        for cell, pixels in self._cells(self._padded(x)):
            seen = pixels.reshape(*pixels.shape[:3], places)
            w[(..., *cell)] = np.einsum("ngcp,ngop->goc", seen, grad)
        return w.reshape(self.filters)

    def to_image(self, grad, w):
        padded = self._padded(np.zeros(self.image))
        grad = grad.reshape(len(grad), self.groups, -1, *self.size)
        for cell in itertools.product(*map(range, self.filters[2:])):
            share = np.einsum("ngo...,goc->ngc...", grad, self._grouped(w)[(..., *cell)])
            places = tuple(
                slice(c * d, c * d + s * (n - 1) + 1, s)
                for c, d, s, n in zip(cell, self.dilation, self.stride, self.size, strict=True)
            )
            padded[(slice(None), slice(None), *places)] += share.reshape(len(grad), -1, *self.size)
        inside = tuple(slice(b, b + n) for b, n in zip(self.before, self.image[2:], strict=True))
        return padded[(slice(None), slice(None), *inside)]
