"""eval, graph, summary, doctor; help that teaches; mistakes that are understood."""

import subprocess
import sys
from pathlib import Path

import pytest

MAIN = "from tinygrad_cnn.cli import main; main()"
COMMANDS = ("train", "eval", "graph", "learn", "step", "summary", "doctor")


def words(text):
    return " ".join(text.split())


# --- help


def test_without_a_command_there_is_a_list_of_them(run):
    result = run()
    for name in COMMANDS:
        assert f"\n│ {name} " in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_help_teaches_by_example(run, name):
    result = run(name, "--help")
    assert result.exit_code == 0
    _, examples = result.output.split("Examples:")
    lines = [line.strip() for line in examples.splitlines() if line.strip()]
    assert lines
    for comment, command in zip(lines[::2], lines[1::2], strict=True):
        assert comment.startswith("# ")
        assert command.startswith(f"tinygrad-cnn {name}")


# --- what the commands say


def test_eval_repeats_the_accuracy_of_the_run(train, run):
    trained = train("--run-name", "first").stdout
    result = run("eval", "runs/first")
    assert result.exit_code == 0
    accuracy = result.stdout.split(":")[1].split("%")[0].strip()
    assert f"\n{accuracy} % of the 100 test images are recognised" in trained
    assert "Ankle boot" in result.stdout
    assert words("class images recognised most often taken for") in words(result.stdout)


def test_eval_on_another_dataset(train, run):
    train("--run-name", "first")
    assert "1,000 test images" in words(run("eval", "runs/first", "--dataset", "fashion-mini").stdout)


@pytest.mark.parametrize("name", ["picture.svg", "picture.png", "picture.pdf", "picture.dot"])
def test_graph_draws_what_the_extension_says(run, name):
    result = run("graph", "--out", name)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{name}: ")
    magic = {".svg": b"<?xml", ".png": b"\x89PNG", ".pdf": b"%PDF"}.get(Path(name).suffix, b"digraph")
    assert magic in Path(name).read_bytes()[:200]


def test_graph_is_named_after_the_model_and_shows_its_layers(run):
    assert run("graph", "--model", "lenet5", "--batch-size", "3").exit_code == 0
    svg = Path("lenet5.svg").read_text()
    assert "conv1" in svg
    assert "(3, 6, 28, 28)" in svg


def test_summary_counts(run):
    result = run("summary", "--model", "lenet5", "--batch-size", "64")
    assert "61,706" in result.stdout
    assert "(64, 6, 28, 28)" in result.stdout


def test_doctor_says_what_is_here(run, monkeypatch):
    monkeypatch.setattr("tinygrad_cnn.cli.doctor_command.renderer", lambda: None)
    result = run("doctor")
    assert result.exit_code == 0
    for fact in ("python", "numpy", "BLAS", "threads", "meta", "fashion-mini", "6,000 + 1,000 images"):
        assert fact in result.stdout
    assert "available (the default)" in result.stdout
    assert "pip install 'tinygrad-cnn[viz]'" in words(result.stdout)


def test_doctor_says_why_a_backend_is_unavailable(run, monkeypatch):
    from importlib.metadata import EntryPoint

    from tinygrad_cnn import backend

    points = {
        **backend._entry_points(),
        "gone": EntryPoint("gone", "no_such_module:Gone", backend.ENTRY_POINT_GROUP),
    }
    monkeypatch.setattr(backend, "_entry_points", lambda: points)
    assert "unavailable: the gone backend cannot be imported" in words(run("doctor").stdout)


# --- mistakes


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "train --model lenet",
            "there is no model named 'lenet' argument: --model expected: one of lenet5, mlp, "
            "resnet18, resnet20, smallcnn, smallvgg "
            "try: did you mean 'lenet5'?",
        ),
        ("train --dataset fashon-mini", "did you mean 'fashion-mini'?"),
        ("train --backend nunpy", "did you mean 'numpy'?"),
        ("train --optimizer sdg", "did you mean 'sgd'?"),
        ("train --schedule one_cycle", "did you mean 'one-cycle'?"),
        ("train --backend meta", "computes nothing"),
        ("train --lr -1", "lr must be a number, neither negative nor infinite"),
        ("train --epochs 0", "--epochs"),
        ("train --run-name a/b", "a name without '/'"),
        ("graph --model lenet", "did you mean 'lenet5'?"),
        ("graph --out picture.gif", ".svg, .png, .pdf, .dot"),
        ("graph --theme drak", "did you mean 'dark'?"),
        ("summary --model vgg", "one of lenet5, mlp, resnet18, resnet20, smallcnn"),
        ("trian", "Did you mean 'train'?"),
    ],
)
def test_a_mistake_is_one_readable_block_and_leaves_nothing(run, line, said):
    result = run(*line.split())
    assert result.exit_code == 2
    assert said in words(result.stderr.replace("│", ""))
    assert "Traceback" not in result.output
    assert ".py:" not in result.stderr  # a command has no line of the user's
    assert not list(Path().iterdir())


@pytest.mark.parametrize("line", ["eval nowhere", "train --config nowhere.toml", "train --resume nowhere"])
def test_a_run_that_is_not_there(run, line):
    result = run(*line.split())
    assert result.exit_code == 2
    assert "there is no such file" in result.stderr
    assert "a run is named by its folder" in result.stderr


def test_a_run_that_was_stopped_has_no_weights_to_test(run, tmp_path):
    (tmp_path / "config.toml").write_text("[run]\n")
    result = run("eval", str(tmp_path))
    assert result.exit_code == 2
    assert f"tinygrad-cnn train --resume {tmp_path}" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        ("[run", "this is not a TOML file", 1),
        ("\ufffe\x00", "this is not a TOML file", 1),
        ("[other]\nx = 1", "no settings of a run", 1),
        ("[run]\nepoch = 3", "did you mean 'epochs'?", 2),
        ("[run]\nepochs = '3'", "the setting 'epochs' is of another type", 2),
        ("[run]\nepochs = true", "the setting 'epochs' is of another type", 2),
        ("[run]\naugment = 1", "the setting 'augment' is of another type", 2),
    ],
)
def test_a_config_that_makes_no_sense(run, text, said, code):
    Path("config.toml").write_text(text, encoding="utf-8")
    result = run("train", "--config", "config.toml")
    assert result.exit_code == code
    assert said in result.stderr
    assert not Path("runs").exists()


@pytest.mark.parametrize("line", ["--debug summary --model vgg", "summary --model vgg --debug"])
def test_debug_shows_the_traceback(line):
    done = subprocess.run([sys.executable, "-c", MAIN, *line.split()], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "UnknownName" in done.stderr


def test_graph_folds_what_is_deep(run, tmp_path):
    whole, folded = tmp_path / "whole.mmd", tmp_path / "folded.mmd"
    for path, options in ((whole, ()), (folded, ("--fold", "1"))):
        result = run("graph", "--model", "lenet5", "--out", str(path), *options)
        assert result.exit_code == 0
        assert "drawn by" not in result.stdout  # Mermaid is text
    assert len(folded.read_text("utf-8")) < len(whole.read_text("utf-8"))
    assert "61,706" not in folded.read_text("utf-8")
    assert "156 parameters" in folded.read_text("utf-8")  # conv1
