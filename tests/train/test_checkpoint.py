"""CASES 59 and 60: interrupted runs go on as if nothing had happened."""

import os
import re
import signal
import subprocess
import sys

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import io
from tinygrad_cnn.errors import FileFormatError, StateDictError
from tinygrad_cnn.train import Callback, Checkpoint, CSVLogger, EarlyStopping


class Interrupt(Callback):
    """Ctrl-C in the middle of the second epoch."""

    def on_step_end(self, trainer, step):
        if trainer.epoch == 1 and step.number == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["last.safetensors", "best.safetensors"])
def test_case_59_a_resumed_run_equals_the_uninterrupted_one(
    make_trainer, train_loader, test_loader, weights, tmp_path, name
):
    whole = make_trainer()
    whole.fit(train_loader, test_loader, epochs=3)

    broken = make_trainer(callbacks=[Checkpoint(tmp_path), Interrupt()])
    with pytest.raises(KeyboardInterrupt):
        broken.fit(train_loader, test_loader, epochs=3)

    resumed = make_trainer(seed=99)  # other weights, other random numbers: all must come from the file
    resumed.load_checkpoint(tmp_path / name)
    assert resumed.epoch == 1
    resumed.fit(train_loader, test_loader, epochs=3)
    assert weights(resumed) == weights(whole)
    assert resumed.history["train_loss"] == whole.history["train_loss"]
    assert resumed.history["test_loss"] == whole.history["test_loss"]
    assert resumed.history["lr"] == whole.history["lr"]


def test_case_59_with_adam(train_loader, make_trainer, weights, tmp_path):
    def make(seed):
        trainer = make_trainer(seed)
        trainer.optimizer = tc.optim.Adam(trainer.model.parameters(), lr=0.01)
        trainer.scheduler = None
        return trainer

    whole, resumed, first = make(0), make(5), make(0)
    tc.manual_seed(0)
    whole.fit(train_loader, epochs=2)
    tc.manual_seed(0)
    first.fit(train_loader, epochs=1)
    first.save_checkpoint(tmp_path / "c")
    resumed.load_checkpoint(tmp_path / "c")
    resumed.fit(train_loader, epochs=2)
    assert weights(resumed) == weights(whole)


def test_case_60_ctrl_c_says_where_the_checkpoint_is(make_trainer, train_loader, test_loader, tmp_path):
    trainer = make_trainer(callbacks=[Checkpoint(tmp_path), Interrupt()])
    message = re.escape(f"stopped in epoch 2 of 3; the last checkpoint is {tmp_path / 'last.safetensors'}")
    with pytest.raises(KeyboardInterrupt, match=message):
        trainer.fit(train_loader, test_loader, epochs=3)


def test_case_60_ctrl_c_without_a_checkpoint_says_so(make_trainer, train_loader):
    with pytest.raises(KeyboardInterrupt, match="no checkpoint was kept"):
        make_trainer(callbacks=[Interrupt()]).fit(train_loader, epochs=3)


ENDLESS = '''
import sys
import tinygrad_cnn as tc
from tinygrad_cnn.train import Callback, Checkpoint, Trainer

class Endless:
    """Batches without end."""

    def __len__(self):
        return 1000

    def __iter__(self):
        while True:
            yield tc.ones(4, 2), tc.tensor([0, 1, 0, 1])

class Report(Callback):
    def on_step_end(self, trainer, step):
        print("step", flush=True)

model = tc.nn.Linear(2, 2)
optimizer = tc.optim.SGD(model.parameters(), lr=0.1)
trainer = Trainer(model, optimizer, callbacks=[Checkpoint(sys.argv[1]), Report()])
trainer.fit(Endless(), epochs=5)
'''


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C reaches a process group on Windows")
def test_case_60_a_real_ctrl_c_in_the_first_epoch_leaves_a_checkpoint(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode != 0
    assert errors.splitlines()[-1].startswith("KeyboardInterrupt: stopped in epoch 1 of 5; ")
    assert io.load_state(tmp_path / "last.safetensors")["epoch"] == 0


def test_the_best_epoch_is_kept(make_trainer, train_loader, test_loader, tmp_path):
    trainer = make_trainer(callbacks=[Checkpoint(tmp_path, monitor="test_accuracy", mode="max")])
    trainer.fit(train_loader, test_loader, epochs=3)
    accuracies = trainer.history["test_accuracy"]
    best = io.load_state(tmp_path / "best.safetensors")
    assert best["epoch"] == accuracies.index(max(accuracies)) + 1
    assert io.load_state(tmp_path / "last.safetensors")["epoch"] == 3


def test_a_checkpoint_of_another_model_does_not_fit(make_trainer, tmp_path):
    make_trainer().save_checkpoint(tmp_path / "c")
    other = make_trainer(model=tc.nn.Sequential(tc.nn.Flatten(), tc.nn.Linear(64, 4)))
    with pytest.raises(StateDictError):
        other.load_checkpoint(tmp_path / "c")


def test_weights_alone_are_no_checkpoint(make_trainer, tmp_path):
    trainer = make_trainer()
    tc.save(tmp_path / "w", trainer.model)
    with pytest.raises(FileFormatError, match="not the state of a training run"):
        trainer.load_checkpoint(tmp_path / "w")


def test_the_history_is_a_complete_table_after_every_epoch(make_trainer, train_loader, tmp_path):
    path = tmp_path / "history.csv"
    lines = []

    class Look(Callback):
        def on_epoch_end(self, trainer, row):
            lines.append(len(path.read_text().splitlines()))

    trainer = make_trainer(callbacks=[CSVLogger(path), Look()])
    trainer.fit(train_loader, epochs=2)
    assert lines == [2, 3]
    heading, *rows = path.read_text().splitlines()
    assert heading == "epoch,lr,train_loss,train_accuracy,images_per_s,seconds"
    assert float(rows[1].split(",")[2]) == trainer.history["train_loss"][1]  # every digit


@pytest.mark.parametrize("mode", ["min", "max"])
def test_early_stopping_waits_for_something_better(make_trainer, train_loader, mode):
    values = iter([3.0, 2.0, 2.5, 2.0, 1.0, 1.0, 1.0])
    sign = 1 if mode == "min" else -1

    class Pretend(Callback):
        def on_epoch_end(self, trainer, row):
            row["score"] = sign * next(values)

    trainer = make_trainer(callbacks=[Pretend(), EarlyStopping("score", mode=mode, patience=2)])
    trainer.scheduler = None
    trainer.fit(train_loader, epochs=7)
    assert trainer.epoch == 4
    trainer.fit(train_loader, epochs=7)  # whoever asks again gets more
    assert trainer.epoch == 7


@pytest.mark.parametrize("before", [None, "float16"])
@pytest.mark.parametrize("after", [None, "float16"])
def test_a_run_goes_on_in_another_precision(make_trainer, train_loader, tmp_path, weights, before, after):
    first = make_trainer(precision=before)
    first.fit(train_loader, epochs=1)
    first.save_checkpoint(tmp_path / "c")
    second = make_trainer(seed=5, precision=after)
    second.load_checkpoint(tmp_path / "c")
    assert weights(second) == weights(first)
    second.fit(train_loader, epochs=2)
    assert second.history["epoch"] == [1, 2]


def test_a_checkpoint_that_fits_in_part_changes_nothing(make_trainer, train_loader, tmp_path, weights):
    first = make_trainer()
    first.optimizer = tc.optim.Adam(first.model.parameters())
    first.scheduler = None
    first.fit(train_loader, epochs=1)
    first.save_checkpoint(tmp_path / "c")
    second = make_trainer(seed=5)  # the same model, and SGD
    before = weights(second)
    with pytest.raises(StateDictError):
        second.load_checkpoint(tmp_path / "c")
    assert weights(second) == before
    assert (second.epoch, len(second.history)) == (0, 0)
