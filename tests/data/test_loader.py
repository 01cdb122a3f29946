"""The DataLoader: every image once per epoch, in an order that follows from seed and epoch."""

import inspect
import itertools

import numpy as np
import pytest
from data.numbered import flat, labels_of, numbered
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_cnn as tc
from tinygrad_cnn.data import ArrayDataset, DataLoader, RandomCrop, load
from tinygrad_cnn.errors import ArgumentError, ArgumentTypeError, ShapeError

# --- batches --------------------------------------------------------------------------------------


@given(
    count=st.integers(1, 40),
    batch_size=st.integers(1, 45),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    seed=st.integers(0, 2**64 - 1),
)
def test_an_epoch_deals_every_image_once(count, batch_size, shuffle, drop_last, seed):
    batch_size = min(batch_size, count) if drop_last else batch_size
    loader = DataLoader(numbered(count), batch_size, shuffle, seed=seed, drop_last=drop_last)
    batches = labels_of(loader)
    assert len(batches) == len(loader)
    full, rest = divmod(count, batch_size)
    assert [len(batch) for batch in batches] == [batch_size] * full + [rest] * (rest > 0 and not drop_last)
    dealt = flat(batches)
    assert len(set(dealt)) == len(dealt)
    assert set(dealt) <= set(range(count))
    if not shuffle:
        assert dealt == list(range(len(dealt)))


def test_batches_are_tensors_that_keep_their_dtype():
    x, y = next(iter(DataLoader(numbered(5), batch_size=3)))
    assert isinstance(x, tc.Tensor)
    assert isinstance(y, tc.Tensor)
    assert (tuple(x.shape), x.numpy().dtype) == ((3, 1, 4, 4), np.float32)
    assert (tuple(y.shape), y.numpy().dtype) == ((3,), np.int64)


def test_images_stay_with_their_labels():
    for x, y in DataLoader(numbered(50), batch_size=8, shuffle=True):
        np.testing.assert_array_equal(x.numpy()[:, 0, 0, 0], y.numpy())


def test_the_last_batch_is_kept_unless_told_otherwise():
    assert [len(batch) for batch in labels_of(DataLoader(numbered(10), 4))] == [4, 4, 2]
    assert [len(batch) for batch in labels_of(DataLoader(numbered(10), 4, drop_last=True))] == [4, 4]


def test_pairs_are_as_good_as_arrays():
    pairs = [(np.zeros((1, 2, 2), np.float32), label) for label in (3, 1, 2)]
    assert labels_of(DataLoader(pairs, batch_size=2)) == [[3, 1], [2]]


def test_a_batch_is_one_item_unless_told_otherwise():
    assert labels_of(DataLoader(numbered(3))) == [[0], [1], [2]]


def test_a_loader_describes_itself_briefly():
    assert repr(DataLoader(list(range(1000)), 64)) == "DataLoader(list(1000 items), 16 batches of 64)"
    assert repr(DataLoader(numbered(3), 2)) == (
        "DataLoader(ArrayDataset(3 x (1, 4, 4) float32, labels int64), 2 batches of 2)"
    )


def test_changing_a_batch_does_not_change_the_dataset():
    def spoil(images, rng):
        images[:] = -1
        return images

    dataset = ArrayDataset(np.ones((4, 1, 2, 2), np.float32), range(4))
    for shuffle in (False, True):
        list(DataLoader(dataset, 2, shuffle, transform=spoil))
    assert (dataset.images == 1).all()


# --- order ----------------------------------------------------------------------------------------


def test_each_epoch_is_shuffled_anew():
    loader = DataLoader(numbered(100), shuffle=True)
    first, second = flat(labels_of(loader)), flat(labels_of(loader))
    assert first != second != list(range(100))
    assert loader.epoch == 2


def test_the_same_seed_gives_the_same_run_and_another_seed_another():
    def run(seed):
        loader = DataLoader(numbered(100), 8, shuffle=True, seed=seed)
        return [labels_of(loader) for _ in range(3)]

    assert run(7) == run(7)
    assert run(7) != run(8)


def test_neighbouring_seeds_differ_however_large():
    orders = [labels_of(DataLoader(numbered(30), 30, shuffle=True, seed=seed)) for seed in (2**63, 2**63 + 1)]
    assert orders[0] != orders[1]


def test_the_order_is_independent_of_numpys_global_state():
    orders = []
    for seed in (1, 2):
        np.random.seed(seed)
        orders.append(labels_of(DataLoader(numbered(30), shuffle=True)))
    assert orders[0] == orders[1]


def test_a_resumed_run_sees_the_batches_it_would_have_seen():
    uninterrupted = DataLoader(numbered(50), 8, shuffle=True, seed=3, transform=RandomCrop(3, padding=2))
    epochs = [[x.numpy() for x, _ in uninterrupted] for _ in range(4)]
    resumed = DataLoader(numbered(50), 8, shuffle=True, seed=3, transform=RandomCrop(3, padding=2))
    resumed.set_epoch(2)
    for epoch in epochs[2:]:
        for expected, (x, _) in zip(epoch, resumed, strict=True):
            np.testing.assert_array_equal(x.numpy(), expected)
    assert resumed.epoch == uninterrupted.epoch == 4


def test_an_epoch_broken_off_does_not_count():
    loader = DataLoader(numbered(20), 4, shuffle=True)
    beginning = [y.numpy().tolist() for _, y in itertools.islice(loader, 2)]
    assert loader.epoch == 0
    assert labels_of(loader)[:2] == beginning


def test_two_passes_at_once_are_the_same_epoch():
    loader = DataLoader(numbered(20), 4, shuffle=True)
    for (_, one), (_, other) in zip(loader, loader, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    assert loader.epoch == 1


def test_transforms_draw_anew_for_every_batch_and_epoch():
    drawn = []

    def note(images, rng):
        drawn.append(tuple(rng.integers(1 << 62, size=4)))
        return images

    loader = DataLoader(numbered(12), 4, transform=note)
    for _ in range(3):
        list(loader)
    list(DataLoader(numbered(12), 4, seed=1, transform=note))
    assert len(set(drawn)) == len(drawn) == 12


def test_a_batch_is_transformed_whole():
    def double(images, rng):
        assert images.shape[1:] == (1, 4, 4)
        return images * 2

    for x, y in DataLoader(numbered(10), 4, transform=double):
        np.testing.assert_array_equal(x.numpy()[:, 0, 0, 0], 2 * y.numpy())


def test_a_sampler_says_what_is_dealt():
    class Alternating:
        start = 0

        def __len__(self):
            return 3

        def __iter__(self):
            self.start += 1
            return iter([self.start, 0, self.start])

    loader = DataLoader(numbered(9), 2, sampler=Alternating())
    assert [labels_of(loader), labels_of(loader)] == [[[1, 0], [1]], [[2, 0], [2]]]
    assert len(loader) == 2
    assert loader.epoch == 2
    assert labels_of(DataLoader(numbered(9), 2, sampler=[8, 8, 1], drop_last=True)) == [[8, 8]]


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_size_that_is_not_positive(batch_size):
    with pytest.raises(ArgumentError, match=rf"1 <= batch_size(.|\n)*got: +{batch_size}"):
        DataLoader(numbered(3), batch_size)


@pytest.mark.parametrize("batch_size", [64.0, "64", None, True])
def test_a_batch_size_that_is_no_integer(batch_size):
    with pytest.raises(ArgumentTypeError, match="batch_size must be an integer"):
        DataLoader(numbered(3), batch_size)


def test_images_and_labels_as_two_arguments():
    dataset = numbered(3)
    with pytest.raises(ArgumentTypeError, match=r"ArrayDataset\(images, labels\)"):
        DataLoader(dataset.images, dataset.labels)


def test_an_empty_dataset():
    with pytest.raises(ShapeError, match="the dataset is empty"):
        DataLoader(numbered(3)[:0])


def test_dropping_the_only_batch():
    with pytest.raises(ArgumentError, match=r"at most 10(.|\n)*batch_size=64"):
        DataLoader(numbered(10), 64, drop_last=True)


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_out_of_range(seed):
    with pytest.raises(ArgumentError, match="0 <= seed"):
        DataLoader(numbered(3), seed=seed)


def test_an_epoch_out_of_range():
    loader = DataLoader(numbered(3))
    with pytest.raises(ArgumentError, match="0 <= epoch"):
        loader.set_epoch(-1)
    with pytest.raises(ArgumentTypeError, match="epoch must be an integer"):
        loader.set_epoch(1.5)
    assert loader.epoch == 0


def test_a_transform_of_one_argument_is_noticed_before_the_first_batch():
    with pytest.raises(ArgumentTypeError, match=r"def transform\(images, rng\)"):
        DataLoader(numbered(3), transform=lambda images: images)


@pytest.mark.parametrize(
    "nothing", [itertools.count(), itertools.repeat((np.ones(2), 0)), iter([1]), 7, None, "fashion-mini"]
)
def test_things_that_are_no_dataset(nothing):
    """An iterator without an end is not even begun."""
    with pytest.raises(ArgumentTypeError, match=r"this is no dataset(.|\n)*argument: dataset"):
        DataLoader(nothing)


def test_a_whole_collection_is_not_a_part():
    with pytest.raises(ArgumentTypeError, match=r"\.train"):
        DataLoader(load("fashion-mini"))


def test_what_pytorch_does_in_other_processes():
    assert len(DataLoader(numbered(3), num_workers=0, pin_memory=False)) == 3
    with pytest.raises(ArgumentError, match=r"no worker processes(.|\n)*num_workers(.|\n)*got: +2"):
        DataLoader(numbered(3), num_workers=2)
    with pytest.raises(ArgumentError, match=r"no pinned memory(.|\n)*pin_memory"):
        DataLoader(numbered(3), pin_memory=True)


@pytest.mark.parametrize("sampler", [itertools.count(), iter([1, 0]), 5])
def test_a_sampler_without_a_length(sampler):
    with pytest.raises(ArgumentTypeError, match=r"an order with a length(.|\n)*argument: sampler"):
        DataLoader(numbered(3), sampler=sampler)


def test_two_orders_at_once():
    with pytest.raises(ArgumentError, match="a sampler is an order already"):
        DataLoader(numbered(3), shuffle=True, sampler=[2, 1, 0])


# --- as PyTorch has it ----------------------------------------------------------------------------

LEFT_OUT = {
    "batch_sampler": "a sampler of items is enough",
    "generator": "numbers come from the seed",
    **dict.fromkeys(
        (
            "timeout",
            "worker_init_fn",
            "multiprocessing_context",
            "prefetch_factor",
            "persistent_workers",
            "pin_memory_device",
            "in_order",
        ),
        "of worker processes and pinned memory",
    ),
}


def test_arguments_and_defaults_are_pytorchs():
    utils = pytest.importorskip("torch.utils.data", reason="PyTorch, the reference, is not installed")
    theirs, ours = (
        {name: parameter.default for name, parameter in inspect.signature(loader).parameters.items()}
        for loader in (utils.DataLoader, DataLoader)
    )
    assert theirs.pop("shuffle") is None  # there, because an iterable dataset has no order
    assert ours.pop("shuffle") is False
    assert (ours.pop("seed"), ours.pop("transform")) == (0, None)
    assert ours == {name: default for name, default in theirs.items() if name not in LEFT_OUT}
    assert list(ours) == [name for name in theirs if name not in LEFT_OUT]
