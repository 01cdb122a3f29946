"""`tinygrad-cnn train --tensorboard FOLDER`"""

import os
import sys
import tomllib
from pathlib import Path

import pytest

from tinygrad_cnn.train import Trainer

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")
from event_files import read_graph, read_values


def test_a_run_is_written_under_its_own_name(train):
    result = train("--tensorboard", "logs", "--batch-size", "50", "--run-name", "first")
    assert "tensorboard --logdir logs" in result.stdout
    assert os.listdir("logs") == ["first"]
    assert "LeNet5/conv1/conv" in read_graph("logs/first/train")
    assert [step for step, _ in read_values("logs/first/train")["loss"]] == [4]
    assert [step for step, _ in read_values("logs/first/test")["accuracy"]] == [4]
    assert "tensorboard" not in tomllib.loads(Path("runs/first/config.toml").read_text())["run"]


def test_an_interrupted_run_goes_on_in_its_folder(run, monkeypatch):
    original = Trainer.evaluate

    def interrupted(trainer, loader):
        if trainer.epoch == 1:
            raise KeyboardInterrupt
        return original(trainer, loader)

    words = ("--tensorboard", "logs", "--batch-size", "50")
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "evaluate", interrupted)
        assert run("train", "--dataset", "tiny", "--epochs", "2", *words).exit_code == 130
    assert run("train", "--resume", "runs/lenet5-tiny", "--tensorboard", "logs").exit_code == 0
    assert os.listdir("logs") == ["lenet5-tiny"]
    assert [step for step, _ in read_values("logs/lenet5-tiny/test")["loss"]] == [4, 8]


def test_a_missing_library_leaves_no_folder(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    result = run("train", "--dataset", "tiny", "--tensorboard", "logs")
    assert result.exit_code == 1
    assert "pip install 'tinygrad-cnn[tensorboard]'" in result.stderr
    assert os.listdir(".") == []
