"""What a training run writes for TensorBoard, and that it is the same run with and without it."""

import io
import sys

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import ArgumentError, OptionalDependencyError
from tinygrad_cnn.train import Callback, Checkpoint, TensorBoard, Trainer
from tinygrad_cnn.train.mosaic import GAP, filters_mosaic, images_mosaic

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
from event_files import read_events, read_graph, read_values
from PIL import Image

BLUE, WHITE, VERMILLION = (0, 114, 178), (255, 255, 255), (213, 94, 0)


def points(values):
    return [(step, pytest.approx(value, rel=1e-6)) for step, value in values]


def pixels(image):
    return np.asarray(Image.open(io.BytesIO(image.encoded_image_string)))


# --- scalars --------------------------------------------------------------------------------------


def test_a_point_is_the_mean_over_the_batches_since_the_last(
    make_trainer, train_loader, test_loader, tmp_path
):
    trainer = make_trainer(callbacks=[TensorBoard(tmp_path, every=3)], capture=False)
    batches = []

    def loss(outputs, y):
        value = tc.functional.cross_entropy(outputs, y)
        if trainer.model.training:
            batches.append((value.item(), len(y)))
        return value

    trainer.loss = loss
    trainer.fit(train_loader, test_loader, epochs=2)

    expected = [
        (3, mean(batches[0:3])),
        (4, mean(batches[3:4])),
        (7, mean(batches[4:7])),
        (8, mean(batches[7:])),
    ]
    assert read_values(tmp_path / "train")["loss"] == points(expected)
    accuracies = read_values(tmp_path / "train")["accuracy"]
    whole = (accuracies[0][1] * 96 + accuracies[1][1] * 4) / 100
    assert whole == pytest.approx(trainer.history["train_accuracy"][0])


def mean(batches):
    losses, images = zip(*batches, strict=True)
    return np.average(losses, weights=images)


def test_the_test_set_has_a_point_an_epoch(make_trainer, train_loader, test_loader, tmp_path):
    history = make_trainer(callbacks=[TensorBoard(tmp_path)]).fit(train_loader, test_loader, epochs=3)
    written = read_values(tmp_path / "test")
    assert set(written) == {"loss", "accuracy"}
    for name, values in written.items():
        assert values == points(zip([4, 8, 12], history[f"test_{name}"], strict=True))


def test_the_learning_rate_is_the_one_of_the_step(make_trainer, train_loader, tmp_path):
    used = []
    trainer = make_trainer(callbacks=[TensorBoard(tmp_path, every=1)], capture=False)
    step = trainer.optimizer.step

    def watched_step():
        used.append(trainer.optimizer.param_groups[0]["lr"])
        step()

    trainer.optimizer.step = watched_step
    trainer.fit(train_loader, epochs=3)
    assert len(set(used)) == 12
    assert read_values(tmp_path / "train")["learning_rate"] == points(enumerate(used, start=1))


def test_without_a_test_set_there_is_one_run(make_trainer, train_loader, tmp_path):
    make_trainer(callbacks=[TensorBoard(tmp_path)]).fit(train_loader, epochs=1)
    assert [path.name for path in tmp_path.iterdir()] == ["train"]


# --- histograms, images, graph --------------------------------------------------------------------


def test_every_parameter_and_gradient_has_its_histograms(make_trainer, train_loader, tmp_path):
    trainer = make_trainer(callbacks=[TensorBoard(tmp_path)])
    first = {name: p.numpy().copy() for name, p in trainer.model.named_parameters()}
    trainer.fit(train_loader, epochs=2)
    written = read_values(tmp_path / "train")

    def assert_counts(histogram, array):
        assert histogram.num == sum(histogram.bucket) == array.size
        assert (histogram.min, histogram.max) == (array.min(), array.max())
        assert histogram.sum == pytest.approx(array.sum(dtype=float), abs=1e-9)

    for name, parameter in trainer.model.named_parameters():
        values = dict(written[f"parameters/{name}"])
        assert list(values) == [0, 4, 8]
        assert_counts(values[0], first[name])
        assert_counts(values[8], parameter.numpy())
        gradients = dict(written[f"gradients/{name}"])
        assert list(gradients) == [4, 8]
        assert_counts(gradients[8], parameter.grad.numpy())


def test_filters_and_inputs_are_pictures(make_trainer, train_loader, tmp_path):
    trainer = make_trainer(callbacks=[TensorBoard(tmp_path)])
    trainer.fit(train_loader, epochs=1)
    written = read_values(tmp_path / "train")
    (_, before), (step, after) = written["filters/conv"]
    assert step == 4
    assert np.array_equal(pixels(after), filters_mosaic(trainer.model.conv.weight.numpy()))
    assert not np.array_equal(pixels(before), pixels(after))
    train_loader.set_epoch(0)
    ((_, inputs),) = written["inputs"]
    assert np.array_equal(pixels(inputs), images_mosaic(next(iter(train_loader))[0].numpy()))
    (description,) = {
        value.metadata.summary_description
        for event in read_events(tmp_path / "train")
        for value in event.summary.value
        if value.tag == "inputs"
    }
    assert "first batch" in description


def test_the_graph_is_that_of_the_first_step(make_trainer, train_loader, tmp_path):
    make_trainer(callbacks=[TensorBoard(tmp_path)]).fit(train_loader, epochs=2)
    nodes = read_graph(tmp_path / "train")
    assert list(nodes["Net/conv/conv"].input) == ["input", "Net/conv/weight"]
    assert [dim.size for dim in nodes["input"].attr["_output_shapes"].list.shape[0].dim] == [32, 1, 8, 8]
    assert sum(event.HasField("graph_def") for event in read_events(tmp_path / "train")) == 1


# --- the run itself -------------------------------------------------------------------------------


def test_the_run_is_the_same_bit_for_bit(make_trainer, train_loader, test_loader, weights, tmp_path):
    plain, watched = make_trainer(), make_trainer(callbacks=[TensorBoard(tmp_path, every=1)])
    tc.manual_seed(1)
    plain.fit(train_loader, test_loader, epochs=2)
    tc.manual_seed(1)
    watched.fit(train_loader, test_loader, epochs=2)
    assert weights(watched) == weights(plain)
    assert watched.history["test_loss"] == plain.history["test_loss"]


class Interrupt(Callback):
    """Ctrl-C in the middle of the second epoch."""

    def on_step_end(self, trainer, step):
        if trainer.epoch == 1 and step.number == 2:
            raise KeyboardInterrupt


def resumed_run(make_trainer, train_loader, test_loader, folder):
    """Broken off after step 6, taken up again after step 4."""
    callbacks = [TensorBoard(folder / "logs", every=1), Checkpoint(folder / "checkpoints")]
    with pytest.raises(KeyboardInterrupt):
        make_trainer(callbacks=[*callbacks, Interrupt()]).fit(train_loader, test_loader, epochs=3)
    resumed = make_trainer(seed=9, callbacks=callbacks)
    resumed.load_checkpoint(folder / "checkpoints" / Checkpoint.LAST)
    resumed.fit(train_loader, test_loader, epochs=3)
    return folder / "logs"


def test_a_resumed_run_says_from_where_it_replaces(make_trainer, train_loader, test_loader, tmp_path):
    logs = resumed_run(make_trainer, train_loader, test_loader, tmp_path)
    for run in ("train", "test"):
        starts = [event.step for event in read_events(logs / run) if event.HasField("session_log")]
        assert starts == [0, 5]
    values = read_values(logs / "train")
    assert [step for step, _ in values["loss"]] == [1, 2, 3, 4, 5, 6, *range(5, 13)]
    assert [step for step, _ in values["parameters/fc.bias"]] == [0, 4, 8, 12]


def test_tensorboard_sees_a_resumed_run_as_one(make_trainer, train_loader, test_loader, tmp_path):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="TensorBoard is not installed"
    )
    logs = resumed_run(make_trainer, train_loader, test_loader, tmp_path)
    everything = {"scalars": 0, "histograms": 0}
    seen = accumulator.EventAccumulator(str(logs / "train"), size_guidance=everything).Reload()
    whole = make_trainer(callbacks=[TensorBoard(tmp_path / "whole", every=1)])
    whole.fit(train_loader, test_loader, epochs=3)
    expected = read_values(tmp_path / "whole" / "train")
    for tag in ("loss", "learning_rate"):
        values = [(event.step, pytest.approx(event.value)) for event in seen.Scalars(tag)]
        assert [(step, value) for step, value in expected[tag]] == values
    assert [event.step for event in seen.Histograms("parameters/fc.bias")] == [0, 4, 8, 12]
    assert {"filters/conv", "inputs"} == set(seen.Tags()["images"])


def test_a_run_that_fails_leaves_whole_files(make_trainer, train_loader, tmp_path):
    class Stumble(Callback):
        def on_epoch_start(self, trainer):
            raise ValueError("before the first batch")

    trainer = make_trainer(callbacks=[TensorBoard(tmp_path), Stumble()])
    with pytest.raises(ValueError, match="before the first batch"):
        trainer.fit(train_loader, epochs=1)
    assert "parameters/conv.weight" in read_values(tmp_path / "train")
    size = [path.stat().st_size for path in (tmp_path / "train").iterdir()]
    trainer.model(tc.zeros(1, 1, 8, 8))
    assert [path.stat().st_size for path in (tmp_path / "train").iterdir()] == size


def test_a_second_fit_goes_on(make_trainer, train_loader, tmp_path):
    trainer = make_trainer(callbacks=[TensorBoard(tmp_path, every=4)])
    trainer.fit(train_loader, epochs=1)
    trainer.fit(train_loader, epochs=2)
    assert [step for step, _ in read_values(tmp_path / "train")["loss"]] == [4, 8]


class Plain(tc.nn.Module):
    """No convolution, no images, and a parameter without elements."""

    def __init__(self):
        super().__init__()
        self.fc = tc.nn.Linear(2, 2)
        self.empty = tc.nn.Parameter(tc.zeros(0, 3))

    def forward(self, x):
        return self.fc(x)


def test_a_model_without_images_is_shown_without(tmp_path):
    model = Plain()
    rows = tc.data.ArrayDataset(np.eye(2, dtype=np.float32), [0, 1])
    optimizer = tc.optim.SGD(model.parameters(), lr=0.1)
    trainer = Trainer(model, optimizer, callbacks=[TensorBoard(tmp_path)], progress=False)
    trainer.fit(tc.data.DataLoader(rows, batch_size=2), epochs=1)
    parameters = {f"{kind}/fc.{name}" for kind in ("parameters", "gradients") for name in ("weight", "bias")}
    curves = {"loss", "accuracy", "learning_rate"}
    assert set(read_values(tmp_path / "train")) == parameters | curves
    assert "Plain/fc/matmul" in read_graph(tmp_path / "train")


# --- pictures -------------------------------------------------------------------------------------


def test_the_colours_of_filters_mean_their_sign():
    picture = filters_mosaic(np.array([[[[-2.0, 0.0], [2.0, 1.0]]], [[[0.0] * 2] * 2]]))
    assert picture.shape == (64, 64 + GAP + 64, 3)
    halfway = tuple(round((w + v) / 2) for w, v in zip(WHITE, VERMILLION, strict=True))
    corners = [tuple(picture[y, x]) for y, x in ((0, 0), (0, 63), (63, 0), (63, 63))]
    assert corners == [BLUE, WHITE, VERMILLION, halfway]
    assert (picture[:, 64:] == 255).all()  # the gap, and a filter of zeros


def test_channels_stand_side_by_side_and_many_filters_are_cut():
    assert filters_mosaic(np.zeros((4, 3, 32, 32))).shape == (2 * 64 + GAP, 6 * 64 + 5 * GAP, 3)
    assert filters_mosaic(np.zeros((1000, 1, 64, 64))).shape == (16 * 64 + 15 * GAP,) * 2 + (3,)


def test_images_in_colour_and_in_grey():
    images = np.zeros((1, 3, 64, 64))
    images[0, 0, 0, 0], images[0, 2, 0, 1] = 1, -1
    picture = images_mosaic(images)
    assert [tuple(picture[0, x]) for x in range(3)] == [(255, 128, 128), (128, 128, 0), (128, 128, 128)]
    grey = images_mosaic(np.array([[[[5.0, 7.0]], [[0.0, 100.0]]]]))  # of two channels the first
    assert grey.shape == (32, 64, 3)
    assert (grey[0, 0].tolist(), grey[0, 63].tolist()) == ([0, 0, 0], [255, 255, 255])


@pytest.mark.parametrize("strange", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_still_a_picture(strange):
    for mosaic in (images_mosaic, filters_mosaic):
        assert mosaic(np.full((2, 1, 4, 4), strange)).shape == (64, 64 + GAP + 64, 3)


# --- errors ---------------------------------------------------------------------------------------


def test_every_says_what_it_counts(tmp_path):
    with pytest.raises(ArgumentError, match="every so many steps"):
        TensorBoard(tmp_path, every=0)


def test_a_missing_library_is_named_before_the_training(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(OptionalDependencyError, match="tensorboardX"):
        TensorBoard(tmp_path)
