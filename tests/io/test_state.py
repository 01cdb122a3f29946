import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentTypeError, FileFormatError
from tinygrad_cnn.io import load_state, save_state

keys = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1) | st.integers()
numbers = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
trees = st.recursive(
    numbers,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=10,
)


@settings(deadline=None, max_examples=50)  # a disk takes the time it takes
@given(tree=trees)
def test_any_tree_comes_back_as_it_was(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("state") / "state.safetensors"
    save_state(path, tree)
    assert load_state(path) == tree


def test_tensors_come_back_in_their_places(tmp_path):
    state = {"model": {"weight": tc.ones(2, 3)}, "state": {0: {"step": tc.tensor(7)}, "steps": [tc.zeros(1)]}}
    save_state(tmp_path / "s", state)
    loaded = load_state(tmp_path / "s")
    assert loaded["model"]["weight"].numpy().tolist() == [[1, 1, 1], [1, 1, 1]]
    assert loaded["state"][0]["step"].item() == 7
    assert loaded["state"]["steps"][0].shape == (1,)
    assert sorted(tc.load(tmp_path / "s")) == ["model/weight", "state/0/step", "state/steps/0"]


def test_infinity_and_nan_are_numbers_too(tmp_path):
    save_state(tmp_path / "s", [math.inf, math.nan])
    infinity, nan = load_state(tmp_path / "s")
    assert infinity == math.inf
    assert math.isnan(nan)


@pytest.mark.parametrize(
    ("state", "place"),
    [
        ({"a": [1, {2}]}, "a/1"),
        ({"a": {(1, 2): 3}}, "a"),
        ({"a": np.ones(3)}, "a"),
        ({"a/b": tc.ones(1), "a": {"b": tc.zeros(1)}}, "a/b"),
    ],
    ids=["a set", "a tuple as key", "an array", "two ways to one path"],
)
def test_what_cannot_be_saved_is_named_by_its_place(tmp_path, state, place):
    with pytest.raises(ArgumentTypeError) as caught:
        save_state(tmp_path / "s", state)
    assert caught.value.argument == place
    assert not (tmp_path / "s").exists()


def test_plain_weights_are_not_a_state(tmp_path):
    tc.save(tmp_path / "w", {"weight": tc.ones(2)})
    with pytest.raises(FileFormatError, match="not the state of a training run"):
        load_state(tmp_path / "w")


@pytest.mark.parametrize("tree", ["{", '{"tensor": "missing"}', '{"dict": 3}', '{"dict": [[[1], 2]]}'])
def test_a_damaged_description_is_a_typed_error(tmp_path, tree):
    tc.save(tmp_path / "s", {}, metadata={"tinygrad_cnn state": tree})
    with pytest.raises(FileFormatError, match="does not fit its tensors"):
        load_state(tmp_path / "s")
