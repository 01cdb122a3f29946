"""CASES 58: a loss that is not a number stops the run before the update, and says where it began."""

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import io
from tinygrad_cnn.errors import NonFiniteError
from tinygrad_cnn.train import Callback, Checkpoint


class PoisonedModel(tc.nn.Module):
    """Takes the logarithm of a negative number in its sixth step."""

    def __init__(self):
        super().__init__()
        self.norm = tc.nn.BatchNorm2d(1)
        self.dropout = tc.nn.Dropout(0.5)
        self.fc = tc.nn.Linear(64, 4)
        self.register_buffer("calls", tc.tensor(0.0))

    def forward(self, x):
        self.calls.assign(self.calls + 1)
        x = self.fc(self.dropout(self.norm(x)).reshape(len(x), -1))
        poison = (x * 0 - 1).log()
        return tc.where(self.calls >= 6, poison, x)


class Snapshots(Callback):
    """What the state was after each step."""

    def __init__(self):
        self.last = None

    def on_step_end(self, trainer, step):
        self.last = [t.numpy().copy() for t in trainer._steps.random_states()]
        self.last += [t.numpy().copy() for t in trainer.model.state_dict().values()]


def test_case_58_nan_stops_the_run_before_the_update(make_trainer, train_loader, tmp_path):
    snapshots = Snapshots()
    trainer = make_trainer(
        model=PoisonedModel(), callbacks=[Checkpoint(tmp_path, monitor="train_loss"), snapshots]
    )
    with pytest.raises(NonFiniteError) as caught:
        trainer.fit(train_loader, epochs=3)
    error = caught.value
    assert error.op == "log"
    assert "poison = (x * 0 - 1).log()" in str(error.where)
    assert "the loss is nan in epoch 2, step 2" in error.problem
    assert str(tmp_path / "last.safetensors") in error.hint
    # Weights, running statistics and the random counter are those before the step that failed.
    after = [*trainer._steps.random_states(), *trainer.model.state_dict().values()]
    for value, expected in zip(after, snapshots.last, strict=True):
        assert np.array_equal(value.numpy(), expected)
    checkpoint = io.load_state(tmp_path / "last.safetensors")
    assert checkpoint["epoch"] == 1
    assert all(np.isfinite(t.numpy()).all() for t in checkpoint["model"].values())


def test_case_58_the_step_runs_again_with_the_same_random_numbers(make_trainer, train_loader):
    """The zeros that dropout made are what is divided by: other zeros, no NaN, or another one."""
    masks = []

    class Unlucky(PoisonedModel):
        def forward(self, x):
            mask = self.dropout(tc.ones(len(x), 4))
            masks.append(mask.numpy().copy())
            return self.fc(x.reshape(len(x), -1)) * (mask / mask)

    with pytest.raises(NonFiniteError) as caught:
        make_trainer(model=Unlucky(), capture=False).fit(train_loader, epochs=1)
    assert caught.value.op == "div"
    first, *again = masks
    assert again
    assert all(np.array_equal(first, mask) for mask in again)


def test_case_58_a_gradient_that_is_not_finite_stops_the_run_too(make_trainer, train_loader):
    """√x at 0 has an infinite slope: the loss is fine, the weights would not be."""

    class Slope(PoisonedModel):
        def forward(self, x):
            return self.fc((x.reshape(len(x), -1) * self.fc.weight[0] * 0).sqrt())

    trainer = make_trainer(model=Slope())
    with pytest.raises(NonFiniteError, match="a gradient is not finite") as caught:
        trainer.fit(train_loader, epochs=1)
    assert "sqrt" in str(caught.value)
    assert all(np.isfinite(p.numpy()).all() for p in trainer.model.parameters())


def test_a_bad_batch_is_traced_to_its_first_operation(make_trainer):
    x = np.ones((4, 1, 8, 8), np.float32)
    x[2, 0, 3, 3] = np.nan
    with pytest.raises(NonFiniteError, match="came in with x"):
        make_trainer().fit([(tc.tensor(x), tc.tensor([0, 1, 2, 3]))], epochs=1)


def test_a_diverging_run_is_stopped(make_trainer, train_loader):
    trainer = make_trainer()
    trainer.scheduler = None
    trainer.optimizer.param_groups[0]["lr"] = 3e38
    with pytest.raises(NonFiniteError, match="epoch 1"):
        trainer.fit(train_loader, epochs=1)
    assert len(trainer.history) == 0
