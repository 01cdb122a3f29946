import csv
import io
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.errors import NonFiniteError, OptionalDependencyError
from tinygrad_cnn.train import Trainer

MAIN = "from tinygrad_cnn.cli import main; main()"
FILES = {
    "checkpoints",
    "config.toml",
    "confusion.png",
    "curves.png",
    "filters.png",
    "graph.svg",
    "history.csv",
    "model.safetensors",
}


def history(folder):
    """The numbers of a run, without those that a stopwatch gave."""
    rows = list(csv.DictReader(io.StringIO(Path(folder, "history.csv").read_text())))
    return [{k: v for k, v in row.items() if k not in ("seconds", "images_per_s")} for row in rows]


def weights(folder):
    return {name: t.numpy().tobytes() for name, t in tc.load(Path(folder, "model.safetensors")).items()}


def test_a_run_leaves_its_folder_and_says_where_to_look(train):
    result = train("--run-name", "first")
    assert set(os.listdir("runs/first")) == FILES
    assert Path("runs/first/curves.png").read_bytes().startswith(b"\x89PNG")
    assert "conv1" in Path("runs/first/graph.svg").read_text()
    assert "cross_entropy" in Path("runs/first/graph.svg").read_text()
    assert "lenet5 (61,706 weights) learns from 200 images of tiny" in result.stdout
    assert "epoch 1/1  loss" in result.stdout
    assert "Look next into runs/first/" in result.stdout
    for name in FILES - {"checkpoints"}:
        assert name in result.stdout
    assert "tinygrad-cnn eval runs/first" in result.stdout


def test_the_config_says_everything_and_repeats_the_run(train, run):
    train("--run-name", "first", "--seed", "7", "--optimizer", "adam", "--batch-size", "50", "--no-augment")
    settings = tomllib.loads(Path("runs/first/config.toml").read_text())
    assert settings["run"] == {
        "model": "lenet5",
        "dataset": "tiny",
        "backend": "numpy",
        "precision": "float32",
        "epochs": 1,
        "batch_size": 50,
        "optimizer": "adam",
        "lr": 0.003,
        "weight_decay": 0.0005,
        "schedule": "one-cycle",
        "augment": False,
        "seed": 7,
        "threads": int(tc.get_backend("numpy").info()["threads"]),
    }
    assert {"python", "numpy", "tinygrad-cnn"} <= settings["versions"].keys()

    assert run("train", "--config", "runs/first/config.toml", "--run-name", "again").exit_code == 0
    assert history("runs/again") == history("runs/first")
    assert weights("runs/again") == weights("runs/first")


def test_an_option_beats_the_config(train, run):
    train("--run-name", "first")
    run("train", "--config", "runs/first/config.toml", "--seed", "1", "--run-name", "other")
    settings = tomllib.loads(Path("runs/other/config.toml").read_text())["run"]
    assert (settings["seed"], settings["dataset"]) == (1, "tiny")
    assert weights("runs/other") != weights("runs/first")


def test_an_existing_run_is_never_overwritten(train):
    for _ in range(3):
        train("--model", "mlp")
    assert sorted(os.listdir("runs")) == ["mlp-tiny", "mlp-tiny-2", "mlp-tiny-3"]


def test_a_model_without_convolutions_has_no_filters(train):
    train("--model", "mlp", "--runs-dir", "elsewhere")
    assert set(os.listdir("elsewhere/mlp-tiny")) == FILES - {"filters.png"}


def test_without_a_plotting_library_the_rest_is_there(train, monkeypatch):
    def missing(*args, **kwargs):
        raise OptionalDependencyError("matplotlib is missing", hint="pip install 'tinygrad-cnn[viz]'")

    monkeypatch.setattr("tinygrad_cnn.viz.plot_history", missing)
    result = train("--run-name", "plain")
    assert "without curves.png: matplotlib is missing (pip install 'tinygrad-cnn[viz]')" in result.stdout
    assert set(os.listdir("runs/plain")) == FILES - {"curves.png"}


def test_case_59_an_interrupted_run_goes_on_to_the_same_numbers(train, run, monkeypatch):
    train("--epochs", "3", "--run-name", "whole")
    original = Trainer.evaluate

    def interrupted(trainer, loader):
        if trainer.epoch == 1:
            raise KeyboardInterrupt
        return original(trainer, loader)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "evaluate", interrupted)
        result = run("train", "--dataset", "tiny", "--epochs", "3", "--run-name", "broken")
    assert result.exit_code == 130
    assert "stopped in epoch 2 of 3" in result.stderr
    assert not Path("runs/broken/model.safetensors").exists()

    assert run("train", "--resume", "runs/broken").exit_code == 0
    assert history("runs/broken") == history("runs/whole")
    assert weights("runs/broken") == weights("runs/whole")


def test_a_run_goes_on_with_its_own_settings(train, run):
    train("--run-name", "first")
    result = run("train", "--resume", "runs/first", "--lr", "0.1", "--seed", "3")
    assert result.exit_code == 2
    assert "--lr, --seed" in result.stderr
    assert "train --config runs/first/config.toml" in result.stderr


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C reaches a process group on Windows")
def test_case_60_a_real_ctrl_c(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, "train", "--epochs", "500", "--run-name", "x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    lines = [process.stdout.readline(), process.stdout.readline()]
    assert lines[1].startswith("epoch   1/500  loss"), (lines, process.communicate())
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "the last checkpoint is runs/x/checkpoints/last.safetensors" in errors
    assert "tinygrad-cnn train --resume runs/x" in errors
    assert tc.io.load_state(tmp_path / "runs/x/checkpoints/last.safetensors")["epoch"] >= 1


def test_case_58_a_run_that_explodes_names_the_operation(run):
    result = run("train", "--dataset", "tiny", "--epochs", "1", "--lr", "1e30", "--schedule", "constant")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "in epoch 1, step" in result.stderr
    assert "the last good state is in runs/lenet5-tiny/checkpoints/last.safetensors" in result.stderr
    debugged = run("train", "--dataset", "tiny", "--epochs", "1", "--lr", "1e30", "--debug")
    assert isinstance(debugged.exception, NonFiniteError)


def test_a_run_in_sixteen_bits_goes_on_and_is_tested_in_them(train, run):
    train("--run-name", "mixed", "--precision", "bfloat16")
    train("--run-name", "full")
    assert tomllib.loads(Path("runs/mixed/config.toml").read_text())["run"]["precision"] == "bfloat16"
    assert history("runs/mixed") != history("runs/full")
    assert run("eval", "runs/mixed").exit_code == 0


def test_a_precision_that_the_backend_does_not_know(run):
    result = run("train", "--precision", "tf32")
    assert result.exit_code == 1
    assert "the numpy backend has no option 'tf32'" in result.stderr
    assert not Path("runs").exists()


def test_the_environment_chooses_the_backend(run, monkeypatch):
    monkeypatch.setenv("TINYGRAD_CNN_BACKEND", "meta")
    result = run("train")
    assert result.exit_code != 0
    assert "the meta backend computes nothing" in result.stderr
