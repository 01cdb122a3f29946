import ml_dtypes  # noqa: F401 - makes bfloat16 one of NumPy's dtypes
import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentTypeError, FileFormatError, StateDictError

DTYPES = list(tc.dtypes.DTYPES)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_every_dtype_round_trips(path, dtype, shape):
    array = (np.arange(np.prod(shape)).reshape(shape) % 2).astype(dtype)
    tc.save(path, {"t": tc.tensor(array)})
    loaded = tc.load(path)["t"]
    assert (loaded.dtype.name, loaded.shape) == (dtype, shape)
    assert np.array_equal(loaded.numpy(), array)


@pytest.mark.parametrize(
    "view",
    [
        lambda w: w.T,
        lambda w: w[::-1],
        lambda w: w[:, ::-1],
        lambda w: w[:, 1],
        lambda w: w[None].expand(2, 3, 4),
        lambda w: w.reshape(2, 6).T,
    ],
    ids=["transposed", "rows reversed", "columns reversed", "a column", "expanded", "reshaped, transposed"],
)
def test_case_66_views_are_saved_as_they_are_seen(path, view):
    value = view(tc.tensor(np.arange(12.0, dtype=np.float32).reshape(3, 4)))
    tc.save(path, {"t": value})
    assert np.array_equal(tc.load(path)["t"].numpy(), value.numpy())


@settings(deadline=None, max_examples=50)  # a disk takes the time it takes
@given(
    array=arrays.arrays(
        np.float32, arrays.array_shapes(max_dims=4, max_side=4), elements=st.floats(width=32)
    ),
    data=st.data(),
)
def test_case_66_any_order_of_dimensions_and_any_direction_round_trip(tmp_path_factory, array, data):
    path = tmp_path_factory.mktemp("views") / "t.safetensors"
    order = data.draw(st.permutations(range(array.ndim)))
    steps = tuple(slice(None, None, data.draw(st.sampled_from([1, -1, 2]))) for _ in order)
    value = tc.tensor(array).permute(*order)[steps]
    tc.save(path, {"t": value})
    assert np.array_equal(tc.load(path)["t"].numpy(), array.transpose(order)[steps], equal_nan=True)


def test_a_module_is_saved_under_the_names_of_its_state_dict(path):
    model = tc.nn.Sequential(tc.nn.Conv2d(1, 2, 3), tc.nn.BatchNorm2d(2))
    tc.save(path, model)
    loaded = tc.load(path)
    assert loaded.keys() == model.state_dict().keys()
    other = tc.nn.Sequential(tc.nn.Conv2d(1, 2, 3), tc.nn.BatchNorm2d(2))
    other.load_state_dict(loaded)
    assert np.array_equal(other[0].weight.numpy(), model[0].weight.numpy())


def test_other_programs_read_the_file(path):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    tc.save(path, {"t": tc.tensor(array)}, metadata={"licence": "MIT"})
    assert np.array_equal(safetensors.numpy.load_file(path)["t"], array)
    with safetensors.safe_open(path, framework="numpy") as file:
        assert file.metadata() == {"licence": "MIT"}


def test_loaded_tensors_do_not_change_with_the_file(path):
    tc.save(path, {"t": tc.ones(1000)})
    loaded = tc.load(path)["t"]
    tc.save(path, {"t": tc.zeros(1000)})
    assert loaded.sum().item() == 1000


def test_loading_puts_tensors_on_the_backend_in_force(path):
    tc.save(path, {"t": tc.ones(2, 3)})
    with tc.use_backend("meta"):
        loaded = tc.load(path)["t"]
    assert (loaded.backend.name, loaded.shape) == ("meta", (2, 3))


def test_the_same_tensors_give_the_same_bytes(path):
    tensors = {name: tc.ones(3) for name in "zyxabc"}
    tc.save(path, tensors, metadata={"a": "b"})
    first = path.read_bytes()
    tc.save(path, tensors, metadata={"a": "b"})
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        (tc.ones(2), "no names"),
        ({"t": np.ones(2)}, "only tensors"),
        ({1: tc.ones(2)}, "only tensors"),
    ],
)
def test_what_cannot_be_saved_is_refused_before_the_file_is_touched(path, tensors, message):
    path.write_bytes(b"old")
    with pytest.raises(ArgumentTypeError, match=message):
        tc.save(path, tensors)
    assert path.read_bytes() == b"old"


# --- files that are not what they should be


@pytest.fixture
def content(path):
    tc.save(path, {"t": tc.ones(20)})
    return path.read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:5],
        lambda content: content[:20],
        lambda content: content[:-1],
        lambda content: content + b"more",
        lambda content: b"\xff" * 100,
        lambda content: b"PK\x03\x04 a zip archive, as PyTorch writes",
        lambda content: content.replace(b"F32", b"F99"),
    ],
    ids=["empty", "no header", "half a header", "cut short", "too long", "noise", "zip", "unknown dtype"],
)
def test_a_damaged_file_is_one_typed_error(path, content, damage):
    path.write_bytes(damage(content))
    with pytest.raises(FileFormatError, match="not a complete safetensors file"):
        tc.load(path)


def test_a_dtype_without_counterpart_is_named(path):
    safetensors.numpy.save_file({"weird": np.ones(3, np.uint16)}, path)
    with pytest.raises(FileFormatError, match="'weird' has a dtype") as caught:
        tc.load(path)
    assert caught.value.got == "U16"


def test_a_missing_file_is_reported_in_pythons_words(path):
    with pytest.raises(FileNotFoundError, match=r"weights\.safetensors"):
        tc.load(path)


def test_weights_of_another_model_do_not_fit(path):
    tc.save(path, tc.nn.Linear(3, 4))
    with pytest.raises(StateDictError):
        tc.nn.Linear(4, 4).load_state_dict(tc.load(path))
