import warnings

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn._capture import CaptureWarning
from tinygrad_cnn.errors import ArgumentError, CaptureError, UnknownName
from tinygrad_cnn.train import Callback, Trainer


def without_time(history):
    return [
        {name: value for name, value in row.items() if name not in ("seconds", "images_per_s")}
        for row in history.rows
    ]


def test_it_learns(make_trainer, train_loader, test_loader):
    trainer = make_trainer()
    before = trainer.evaluate(test_loader)
    history = trainer.fit(train_loader, test_loader, epochs=3)
    assert history["test_loss"][-1] < 0.5 * before["loss"]
    assert history["test_accuracy"][-1] > 0.9
    assert list(history.rows[0]) == [
        "epoch",
        "lr",
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
        "images_per_s",
        "seconds",
    ]
    assert history["epoch"] == [1, 2, 3]


def test_the_same_seed_gives_the_same_bits(make_trainer, train_loader, test_loader, weights):
    def run(seed):
        trainer = make_trainer(seed)
        trainer.fit(train_loader, test_loader, epochs=2)
        return trainer

    first, same, other = run(0), run(0), run(1)
    assert weights(first) == weights(same)
    assert without_time(first.history) == without_time(same.history)
    assert weights(first) != weights(other)


def test_evaluation_restores_the_mode_of_every_module_and_changes_nothing(make_trainer, test_loader, weights):
    trainer = make_trainer()
    trainer.model.norm.eval()
    before = weights(trainer)
    first = trainer.evaluate(test_loader)
    assert trainer.model.training
    assert trainer.model.dropout.training
    assert not trainer.model.norm.training
    assert weights(trainer) == before
    assert trainer.evaluate(test_loader) == first  # no dropout
    assert all(parameter.grad is None for parameter in trainer.model.parameters())


def test_the_mode_is_restored_after_an_error(make_trainer):
    trainer = make_trainer()
    with pytest.raises(tc.errors.ShapeError):
        trainer.evaluate([(tc.zeros(2, 3, 8, 8), tc.tensor([0, 1]))])
    assert trainer.model.training


def test_a_smaller_last_batch_counts_for_less(make_trainer, test_loader):
    trainer = make_trainer()
    images, labels = test_loader.dataset.images, test_loader.dataset.labels
    measured = trainer.evaluate(test_loader)  # 20 + 20 + 10 images
    trainer.model.eval()
    outputs = trainer.model(tc.tensor(images))
    assert measured["loss"] == pytest.approx(tc.functional.cross_entropy(outputs, tc.tensor(labels)).item())
    assert measured["accuracy"] == pytest.approx((outputs.numpy().argmax(1) == labels).mean())


def test_predict_is_the_model_in_evaluation_mode(make_trainer, test_loader):
    trainer = make_trainer()
    outputs = trainer.predict(test_loader)
    assert outputs.shape == (50, 4)
    assert not outputs.requires_grad
    trainer.model.eval()
    expected = trainer.model(tc.tensor(test_loader.dataset.images))
    np.testing.assert_allclose(outputs.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)


def test_epochs_are_counted_in_all(make_trainer, train_loader):
    trainer = make_trainer()
    trainer.fit(train_loader, epochs=1)
    trainer.fit(train_loader, epochs=3)
    assert trainer.history["epoch"] == [1, 2, 3]


def test_no_epoch_is_an_error(make_trainer, train_loader):
    with pytest.raises(ArgumentError, match="nothing to do"):
        make_trainer().fit(train_loader, epochs=0)


def test_other_losses_and_metrics(train_loader):
    x = np.linspace(-1, 1, 64, dtype=np.float32)[:, None]
    loader = tc.data.DataLoader(tc.data.ArrayDataset(x, 3 * x), batch_size=16, shuffle=True)
    model = tc.nn.Linear(1, 1)
    trainer = Trainer(
        model,
        tc.optim.SGD(model.parameters(), lr=0.3),
        tc.functional.mse_loss,
        metrics={"largest": lambda outputs, y: (outputs - y).abs().max().item()},
    )
    history = trainer.fit(loader, epochs=20)
    assert model.weight.item() == pytest.approx(3, abs=0.01)
    assert history["train_largest"][-1] < 0.05
    with pytest.raises(UnknownName, match="no measurement named 'train_accuracy'"):
        history["train_accuracy"]


def test_callbacks_hear_of_every_moment_in_order(make_trainer, train_loader):
    heard = []

    class Listener(Callback):
        def __getattribute__(self, name):
            if name.startswith("on_"):
                return lambda trainer, *rest: heard.append((name, trainer.epoch))
            return super().__getattribute__(name)

    make_trainer(callbacks=[Listener()]).fit(train_loader, epochs=2)
    assert heard == [
        ("on_fit_start", 0),
        ("on_epoch_start", 0),
        *[("on_step_end", 0)] * 4,
        ("on_epoch_end", 1),
        ("on_epoch_start", 1),
        *[("on_step_end", 1)] * 4,
        ("on_epoch_end", 2),
        ("on_fit_end", 2),
    ]


def test_the_schedule_moves_after_every_step(make_trainer, train_loader):
    rates = []

    class Rates(Callback):
        def on_step_end(self, trainer, step):
            rates.append(float(trainer.optimizer.param_groups[0]["lr"]))

    make_trainer(callbacks=[Rates()]).fit(train_loader, epochs=2)
    assert len(set(rates)) == 8


def test_overflow_inside_a_step_is_no_warning(make_trainer):
    """exp(100) is infinite in float32, and the softmax of it fine; NumPy must not grumble about either."""
    x, y = tc.full((4, 1, 8, 8), 1e30), tc.tensor([0, 1, 2, 3])
    trainer = make_trainer(model=tc.nn.Sequential(tc.nn.Flatten(), tc.nn.Linear(64, 4), tc.nn.Sigmoid()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trainer.fit([(x, y)], epochs=1)


def test_a_model_that_cannot_be_captured_is_trained_eagerly_and_said_to_be(make_trainer, train_loader):
    class Reading(tc.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = tc.nn.Linear(64, 4)

        def forward(self, x):
            return self.fc(x.reshape(len(x), -1)) * (1.0 if x.mean().item() < 100 else 2.0)

    trainer = make_trainer(model=Reading())
    with pytest.warns(CaptureWarning, match=r"item\(\)") as caught:
        trainer.fit(train_loader, epochs=3)
    assert [warning.filename for warning in caught] == [__file__]
    eager = make_trainer(model=Reading(), capture=False)
    eager.fit(train_loader, epochs=3)
    assert trainer.history["train_loss"] == eager.history["train_loss"]
    with pytest.raises(CaptureError):
        make_trainer(model=Reading(), capture=True).fit(train_loader, epochs=1)


@pytest.mark.parametrize("capture", [None, False], ids=["captured", "eager"])
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_learns_the_same(make_trainer, train_loader, test_loader, precision, capture):
    full, mixed = make_trainer(), make_trainer(precision=precision, capture=capture)
    for trainer in (full, mixed):
        train_loader.set_epoch(0)
        trainer.fit(train_loader, test_loader, epochs=3)
    assert mixed.history["test_loss"][-1] == pytest.approx(full.history["test_loss"][-1], rel=0.25)
    assert mixed.history["test_loss"] != full.history["test_loss"]
    assert all(parameter.dtype is tc.float32 for parameter in mixed.model.parameters())
    assert mixed.predict(test_loader).dtype is tc.float32


def test_an_overflow_of_float16_is_no_end_of_the_run(make_trainer, train_loader):
    """Gradients times the first scale are too large: steps are left out until the scale has come down."""
    model = make_trainer().model
    trainer = Trainer(model, tc.optim.SGD(model.parameters(), lr=0.05, momentum=0.9), precision="float16")
    trainer._steps.scaler = tc.amp.GradScaler(init_scale=2.0**40)
    before = model.fc.weight.numpy().copy()
    trainer.fit(train_loader, epochs=1)
    assert trainer._steps.scaler.get_scale() == 2.0**36
    assert np.array_equal(model.fc.weight.numpy(), before)
    trainer.fit(train_loader, epochs=12)
    assert trainer._steps.scaler.get_scale() < 2.0**24
    assert trainer.history["train_accuracy"][-1] > 0.9


def test_a_precision_that_is_none(make_trainer):
    with pytest.raises(tc.errors.DTypeError, match="16 bits"):
        make_trainer(precision="float32")
