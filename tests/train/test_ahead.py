"""Training that runs ahead of its backend: the same numbers, the same errors, and hardly a look at a value.

The backend is CuPy's on a stand-in made of NumPy, which counts whoever looks at a value.
"""

import numpy as np
import pytest
from cupy_stand_in import installed

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, LabelError, LateError, NonFiniteError
from tinygrad_cnn.train import Callback
from tinygrad_cnn_backends.cupy import CupyBackend


@pytest.fixture(scope="module")
def cupy():
    with installed() as stand_in:
        yield stand_in


@pytest.fixture
def backend(cupy, monkeypatch):
    monkeypatch.setattr(CupyBackend, "steps_ahead", 3)
    return CupyBackend(overrides=False)


@pytest.fixture
def make_on(make_trainer, cupy):
    """A Trainer whose model lies on a backend."""

    def make(backend, **options):
        with tc.use_backend(backend):
            return make_trainer(**options)

    return make


class Steps(Callback):
    """What was told about each step."""

    def __init__(self):
        self.told = []

    def on_step_end(self, trainer, step):
        self.told.append((step.number, step.images, step.means["loss"]))


def without_time(history):
    return [{name: row[name] for name in row if name not in ("seconds", "images_per_s")} for row in history]


@pytest.mark.parametrize("capture", [None, False], ids=["captured", "eager"])
def test_the_numbers_are_those_of_looking_at_every_step(
    backend, make_on, train_loader, test_loader, weights, monkeypatch, capture
):
    ahead, at_once = Steps(), Steps()
    first = make_on(backend, callbacks=[ahead], capture=capture)
    first.fit(train_loader, test_loader, epochs=2)
    monkeypatch.setattr(CupyBackend, "steps_ahead", 1)
    train_loader.set_epoch(0)
    second = make_on(backend, callbacks=[at_once], capture=capture)
    second.fit(train_loader, test_loader, epochs=2)
    assert weights(first) == weights(second)
    for row, expected in zip(
        without_time(first.history.rows), without_time(second.history.rows), strict=True
    ):
        assert row == pytest.approx(expected, rel=1e-6)
    assert [number for number, *_ in ahead.told] == [3, 4, 3, 4]
    assert [number for number, *_ in at_once.told] == [1, 2, 3, 4] * 2
    assert ahead.told[1] == pytest.approx(at_once.told[3], rel=1e-6)


def test_hardly_a_value_is_looked_at(backend, make_on, train_loader, cupy):
    class Forget(Callback):
        """Recording and the first step look at everything; what counts is the second epoch."""

        def on_epoch_start(self, trainer):
            cupy.synchronizations.clear()

    make_on(backend, callbacks=[Forget()], progress=False).fit(train_loader, epochs=2)
    # Two windows, of three steps and of one: losses, outputs and labels of each, and the mark.
    assert sum(cupy.synchronizations.values()) <= 9, cupy.synchronizations


class Poisoned(tc.nn.Module):
    """Takes the logarithm of a negative number in one of its steps."""

    def __init__(self, step):
        super().__init__()
        self.step = step
        self.norm = tc.nn.BatchNorm2d(1)
        self.dropout = tc.nn.Dropout(0.5)
        self.fc = tc.nn.Linear(64, 4)
        self.register_buffer("calls", tc.tensor(0.0))

    def forward(self, x):
        self.calls.assign(self.calls + 1)
        x = self.fc(self.dropout(self.norm(x)).reshape(len(x), -1))
        poison = (x * 0 - 1).log()
        return tc.where(self.calls == self.step, poison, x)


@pytest.mark.parametrize("capture", [None, False], ids=["captured", "eager"])
@pytest.mark.parametrize("step", [1, 2, 3, 6, 8])
def test_a_nan_is_found_where_it_arose_and_all_later_steps_are_taken_back(
    backend, make_on, train_loader, weights, step, capture
):
    class Before(Callback):
        """The weights before each step, as a backend that computes at once sees them."""

        seen = ()

        def on_epoch_start(self, trainer):
            self.seen = (*self.seen, weights(trainer))

        def on_step_end(self, trainer, step):
            self.seen = (*self.seen, weights(trainer))

    def run(target, **options):
        with tc.use_backend(target):
            tc.manual_seed(0)
            model = Poisoned(step)
        trainer = make_on(target, model=model, progress=False, **options)
        train_loader.set_epoch(0)
        with pytest.raises(NonFiniteError) as caught:
            trainer.fit(train_loader, epochs=3)
        return trainer, caught.value

    trainer, error = run(backend, capture=capture)
    assert error.op == "log"
    assert "poison = (x * 0 - 1).log()" in str(error.where)
    epoch, number = divmod(step - 1, 4)
    assert f"the loss is nan in epoch {epoch + 1}, step {number + 1}" in error.problem
    at_once = type("AtOnce", (CupyBackend,), {"steps_ahead": 1})(overrides=False)
    other, _ = run(at_once, capture=False)
    assert weights(trainer) == weights(other)
    assert trainer.optimizer.param_groups[0]["lr"] == other.optimizer.param_groups[0]["lr"]


def test_a_label_that_names_no_class_is_named(backend, make_on):
    images = np.zeros((64, 1, 8, 8), np.float32)
    labels = np.zeros(64, np.int64)
    labels[41] = 7
    loader = tc.data.DataLoader(tc.data.ArrayDataset(images, labels), batch_size=8)
    trainer = make_on(backend, progress=False)
    with pytest.raises(LabelError, match="label 7 at index 1 names no class"):
        trainer.fit(loader, epochs=1)


def test_evaluation_finds_a_wrong_label_too(backend, make_on):
    images, labels = np.zeros((32, 1, 8, 8), np.float32), np.full(32, 3)
    labels[-1] = 4
    trainer = make_on(backend, progress=False)
    with pytest.raises(LabelError, match="label 4 at index 7 names no class"):
        trainer.evaluate(tc.data.DataLoader(tc.data.ArrayDataset(images, labels), batch_size=8))


def test_a_check_that_failed_unseen_is_told_when_a_value_is_read(backend):
    x, labels = tc.zeros(2, 3, backend=backend), tc.tensor([0, 3], backend=backend)
    with backend.ahead():
        loss = tc.functional.cross_entropy(x, labels)
    with pytest.raises(LateError, match="a check of values has failed"):
        loss.item()
    loss.item()  # it has been told


@pytest.mark.parametrize("every", [2, 100])
def test_somebody_may_look_less_often(make_trainer, train_loader, every):
    """Also on a backend that computes at once, where metrics are then computed for several steps together."""
    steps = Steps()
    make_trainer(callbacks=[steps], log_every=every).fit(train_loader, epochs=1)
    assert [number for number, *_ in steps.told] == ([2, 4] if every == 2 else [4])


def test_never_to_look_is_an_error(make_trainer):
    with pytest.raises(ArgumentError, match="looked at sooner or later"):
        make_trainer(log_every=0)


def test_large_batches_make_short_windows(backend, make_on, train_loader, monkeypatch):
    """What is kept to go back to does not fill the device's memory."""
    monkeypatch.setattr("tinygrad_cnn.train.ahead.MOST_BYTES", 2 * 32 * 64 * 4)  # two batches
    steps = Steps()
    make_on(backend, callbacks=[steps], progress=False).fit(train_loader, epochs=1)
    assert [number for number, *_ in steps.told] == [2, 4]


class Weights(Callback):
    """The weights that a callback sees after each step that it is told of."""

    def __init__(self, weights):
        self.weights, self.seen = weights, {}

    def on_step_end(self, trainer, step):
        self.seen[trainer.epoch, step.number] = self.weights(trainer)


def test_callbacks_see_the_weights_of_the_step_they_are_told_of(
    backend, make_on, train_loader, weights, monkeypatch
):
    ahead, at_once = Weights(weights), Weights(weights)
    make_on(backend, callbacks=[ahead]).fit(train_loader, epochs=2)
    monkeypatch.setattr(CupyBackend, "steps_ahead", 1)
    train_loader.set_epoch(0)
    make_on(backend, callbacks=[at_once]).fit(train_loader, epochs=2)
    assert list(ahead.seen) == [(0, 3), (0, 4), (1, 3), (1, 4)]
    assert all(at_once.seen[place] == seen for place, seen in ahead.seen.items())


def test_a_callback_that_reads_values_does_not_meet_the_errors_of_later_steps(
    backend, make_on, train_loader, weights
):
    with tc.use_backend(backend):
        model = Poisoned(4)  # in the window after the one that the callback is told of first
    trainer = make_on(backend, model=model, callbacks=[Weights(weights)], progress=False)
    with pytest.raises(NonFiniteError, match="the loss is nan in epoch 1, step 4"):
        trainer.fit(train_loader, epochs=3)
