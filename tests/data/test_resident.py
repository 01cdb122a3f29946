"""Data sets that stay on a backend: the batches are those of the host, and hardly anything travels."""

import gc
from contextlib import contextmanager

import numpy as np
import pytest
from data.chains import chains, images_of
from data.numbered import numbered
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn.data import (
    ArrayDataset,
    Compose,
    Cutout,
    DataLoader,
    Normalize,
    RandomCrop,
    RandomHorizontalFlip,
    Subset,
    TensorDataset,
    ToFloat,
    default_collate,
    random_split,
    resident,
)
from tinygrad_cnn.data.sketch import SOURCES
from tinygrad_cnn_backends.numpy import NumpyBackend

COUNT = 23


class Keeping(NumpyBackend):
    """NumPy as if its memory were elsewhere; notes what travels there."""

    def __init__(self, room=2**20):
        super().__init__(overrides=False)
        self.room = room
        self.travelled = []  # the bytes of each array
        self.batches_from_host = 0

    def keeps(self, nbytes):
        return nbytes <= self.room

    def asarray(self, data, dtype=None):
        array = super().asarray(data, dtype)
        self.travelled.append(array.nbytes)
        return array

    def upload(self, data, dtype):
        self.batches_from_host += 1
        return super().upload(data, dtype)


@contextmanager
def keeping(**options):
    with tc.use_backend(Keeping(**options)) as backend:
        yield backend


def data_set(dtype="uint8", shape=(COUNT, 2, 5, 6)):
    return ArrayDataset(images_of(dtype, shape, seed=1), np.arange(shape[0]) % 10)


def epochs(dataset, count=2, **options):
    """All arrays of all batches of so many epochs."""
    loader = DataLoader(dataset, **options)
    return [[part.numpy() for part in batch] for _ in range(count) for batch in loader]


def assert_same(found, expected):
    assert len(found) == len(expected)
    for batch, other in zip(found, expected, strict=True):
        for array, reference in zip(batch, other, strict=True):
            assert (array.dtype, array.shape) == (reference.dtype, reference.shape)
            assert array.tobytes() == reference.tobytes()


STANDARDIZE = Compose([ToFloat(), Normalize([0.3, 0.4], [0.2, 0.3])])
AUGMENT = Compose([RandomCrop(5, padding=(1, 2)), RandomHorizontalFlip(), STANDARDIZE, Cutout(2)])


# --- the same batches -----------------------------------------------------------------------------


@given(st.data(), st.sampled_from(SOURCES), st.booleans(), st.booleans(), st.integers(0, 2**64 - 1))
def test_batches_are_those_of_the_host_bit_for_bit(data, dtype, shuffle, drop_last, seed):
    dataset = data_set(dtype)
    options = {
        "batch_size": data.draw(st.integers(1, COUNT)),
        "transform": data.draw(st.none() | chains(dataset.images.shape, dtype)),
        "shuffle": shuffle,
        "drop_last": drop_last,
        "seed": seed,
    }
    expected = epochs(dataset, **options)
    with keeping() as backend:
        assert_same(epochs(dataset, **options), expected)
    assert backend.batches_from_host == 0


def test_parts_of_parts_and_samplers_deal_the_same_items():
    part, _ = random_split(data_set(), [17, 6], seed=3)
    part = Subset(part, [4, 4, -1, 0, 16, 9])
    for options in (
        {"shuffle": True},
        {"sampler": [5, 0, -1, -6, 2]},
        {"sampler": np.array([1, 1, 3])},
        {"sampler": range(5, 0, -2)},
    ):
        expected = epochs(part, batch_size=2, transform=AUGMENT, **options)
        with keeping() as backend:
            assert_same(epochs(part, batch_size=2, transform=AUGMENT, **options), expected)
        assert backend.batches_from_host == 0


def test_a_resumed_run_sees_the_batches_it_would_have_seen():
    dataset = data_set()
    uninterrupted = epochs(dataset, count=4, batch_size=8, shuffle=True, transform=AUGMENT)
    with keeping():
        resumed = DataLoader(dataset, batch_size=8, shuffle=True, transform=AUGMENT)
        resumed.set_epoch(2)
        assert_same(
            [[part.numpy() for part in batch] for _ in range(2) for batch in resumed], uninterrupted[6:]
        )
    assert resumed.epoch == 4


def test_tensors_without_images_and_of_any_number():
    rng = np.random.default_rng(0)
    tensors = [rng.random((COUNT, 3)), rng.integers(5, size=COUNT), rng.random((COUNT, 2, 2)) < 0.5]
    for dataset in (TensorDataset(*tensors), TensorDataset(tensors[0])):
        expected = epochs(dataset, batch_size=5, shuffle=True)
        with keeping() as backend:
            assert_same(epochs(dataset, batch_size=5, shuffle=True), expected)
        assert backend.batches_from_host == 0


def test_the_order_is_asked_for_when_its_batch_is_due():
    asked = []

    class Watched:
        def __len__(self):
            return 4

        def __iter__(self):
            for index in range(4):
                asked.append(index)
                yield index

    with keeping():
        next(iter(DataLoader(data_set(), 2, sampler=Watched(), transform=STANDARDIZE)))
    assert asked == [0, 1]


# --- what travels ---------------------------------------------------------------------------------


def test_a_data_set_travels_once_and_then_orders_and_draws():
    dataset = data_set()
    size = dataset.images.nbytes + dataset.labels.nbytes
    with keeping() as backend:
        epochs(dataset, count=1, batch_size=8, shuffle=True, transform=AUGMENT)
        epochs(Subset(dataset, range(8)), count=2, batch_size=8, transform=STANDARDIZE)
    statistics, order, draws = 2 * 2 * 4, 8 * COUNT, [8 * 20, 8 * 20, 7 * 20]
    assert sum(backend.travelled[:2]) == size
    assert backend.travelled[2:] == [statistics, order, *draws, *[statistics, 8 * 8] * 2]


def test_a_copy_lives_as_long_as_its_data_set():
    before = len(resident._KEPT)
    with keeping():
        dataset = data_set()
        loader = DataLoader(dataset, 8)
        list(loader)
        assert len(resident._KEPT) == before + 1
        del dataset, loader
        gc.collect()
        assert len(resident._KEPT) == before


def test_a_data_set_that_moves_to_another_backend_leaves_nothing_behind():
    dataset = data_set()
    for _ in range(2):
        with keeping() as backend:
            list(DataLoader(dataset, 8))
        assert resident._KEPT[dataset].backend is backend
        assert dataset.images.nbytes in backend.travelled


def test_a_new_array_in_the_place_of_one_is_copied_anew():
    dataset = data_set()
    with keeping():
        list(DataLoader(dataset, 8))
        dataset.images = 255 - dataset.images
        ((x, _),) = DataLoader(dataset, COUNT)
    np.testing.assert_array_equal(x.numpy(), dataset.images)


def test_tensors_that_are_there_already_do_not_travel():
    with keeping(room=0) as backend:
        tensors = TensorDataset(tc.rand(COUNT, 4), tc.arange(COUNT))
        backend.travelled.clear()
        batches = epochs(tensors, count=1, batch_size=COUNT)
        assert backend.travelled == [8 * COUNT]  # the order
        tensors.tensors[1].assign(tensors.tensors[1] + 1)
        changed = epochs(tensors, count=1, batch_size=COUNT)
    assert (changed[0][1] == batches[0][1] + 1).all()


# --- what is made on the host ---------------------------------------------------------------------


class Brighter(ToFloat):
    def apply(self, images, *drawn):
        return super().apply(images) * 2


class Backwards(ArrayDataset):
    def __getitem__(self, index):
        return super().__getitem__(len(self) - 1 - index)


def padded_with_grey(padding):
    return Compose([STANDARDIZE, RandomCrop(5, padding)])


ON_HOST = {
    "a function": {"transform": lambda images, rng: images / np.float32(255)},
    "a function in a chain": {"transform": Compose([STANDARDIZE, lambda images, rng: images + 1])},
    "a derived transform": {"transform": Brighter()},
    "bytes that stay bytes": {"transform": RandomHorizontalFlip()},
    "padding after standardizing": {"transform": padded_with_grey(1)},
    "padding after a crop": {"transform": Compose([RandomCrop(4), RandomCrop(5, 1), ToFloat()])},
    "standardizing twice": {"transform": Compose([STANDARDIZE, Normalize([0, 0], [1, 2])])},
    "standardizing a hole": {"transform": Compose([ToFloat(), Cutout(2), Normalize([1, 1], [1, 1])])},
    "moving a hole": {"transform": Compose([ToFloat(), Cutout(2), RandomHorizontalFlip()])},
    "cropping a hole": {"transform": Compose([ToFloat(), Cutout(2), RandomCrop(3)])},
    "two holes": {"transform": Compose([ToFloat(), Cutout(2), Cutout(1)])},
    "a hole in bytes": {"transform": Compose([Cutout(2), ToFloat()])},
    "a batch made by a function": {"collate_fn": default_collate},
    "too large": {"room": COUNT * 2 * 5 * 6},
    "a list": {"dataset": list(data_set())},
    "a derived data set": {"dataset": Backwards(data_set().images, range(COUNT))},
    "numbers of a dtype without a sketch": {
        "dataset": data_set("float64"),
        "transform": Compose([RandomCrop(3), Normalize([0, 0], [1, 2])]),
    },
}


@pytest.mark.parametrize("what", ON_HOST)
def test_everything_else_is_made_on_the_host(what):
    options = {"dataset": data_set(), "batch_size": 8, "shuffle": True, "room": 2**20, **ON_HOST[what]}
    room = options.pop("room")
    expected = epochs(**options)
    with keeping(room=room) as backend:
        assert_same(epochs(**options), expected)
    assert backend.batches_from_host == 2 * len(expected)


def test_cropping_after_standardizing_needs_no_host_if_nothing_is_added():
    with keeping() as backend:
        epochs(data_set(), transform=padded_with_grey(0), batch_size=8)
    assert backend.batches_from_host == 0


def test_inputs_that_learn_get_their_gradients():
    with keeping(room=0):
        inputs = tc.ones(4, 2).requires_grad_()
        for (x,) in DataLoader(TensorDataset(inputs), batch_size=2):
            (x * x).sum().backward()
    assert inputs.grad.tolist() == [[2.0, 2.0]] * 4


@pytest.mark.parametrize("sampler", [[0, COUNT], [-COUNT - 1], [2**70], [0.5]], ids=str)
def test_a_number_that_names_no_item_is_the_error_of_the_host(sampler):
    def error():
        with pytest.raises((IndexError, OverflowError)) as caught:
            list(DataLoader(data_set(), 4, sampler=sampler))
        return caught.type, str(caught.value)

    expected = error()
    with keeping():
        assert error() == expected


def test_mistakes_of_transforms_are_the_errors_of_the_host():
    for transform in (
        Compose([ToFloat(), Normalize([0], [1])]),
        Compose([ToFloat(), ToFloat()]),
        STANDARDIZE.transforms[1],
        RandomCrop(9),
    ):
        messages = []
        for backend in (tc.get_backend(), Keeping()):
            with tc.use_backend(backend), pytest.raises(tc.errors.TinygradCNNError) as caught:
                list(DataLoader(data_set(), 4, transform=transform))
            messages.append(str(caught.value))
        assert messages[0] == messages[1]


def test_a_pass_that_ends_on_another_backend():
    dataset = data_set()
    (_, expected, *_) = epochs(dataset, batch_size=8, shuffle=True, transform=AUGMENT)
    batches = iter(DataLoader(dataset, 8, shuffle=True, transform=AUGMENT))
    with keeping() as backend:
        assert next(batches)[0].backend is backend
    second = next(batches)
    assert second[0].backend is tc.get_backend()
    assert_same([[part.numpy() for part in second]], [expected])


def test_a_backend_whose_memory_is_the_hosts_keeps_nothing():
    assert not tc.get_backend("numpy").keeps(0)
    dataset = numbered(4)
    list(DataLoader(dataset, 2))
    assert dataset not in resident._KEPT
