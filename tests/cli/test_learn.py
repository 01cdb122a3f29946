"""`tinygrad-cnn learn`: the list with its progress, a copy to work in, notebooks for teachers."""

import json
import subprocess
import sys

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.cli import learn_command
from tinygrad_cnn.learn.lessons import lesson, lessons


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TINYGRAD_CNN_PROGRESS", str(tmp_path / "progress.json"))


def row(output, number):
    return next(line for line in output.splitlines() if line.startswith(f"{number} "))


def test_every_lesson_is_listed(run):
    output = run("learn").stdout
    for each in lessons():
        assert each.title in row(output, each.number)
        assert str(each.minutes) in row(output, each.number)
        assert f"0 of {len(each.exercises)}" in row(output, each.number)
    assert max(map(len, output.splitlines())) <= 80


def test_progress_is_shown(run):
    tc.learn.check("03.1", 0.545)
    tc.learn.check("03.3", 3)
    tc.learn.check("03.4", 99)
    assert "●●○○○○  2 of 6" in row(run("learn").stdout, "03")


@pytest.mark.parametrize("number", ["03", "3"])
def test_a_copy_to_work_in(run, tmp_path, number):
    result = run("learn", number, "--no-open")
    assert result.exit_code == 0
    path = tmp_path / "lessons" / lesson("03").name
    assert json.loads(path.read_text(encoding="utf-8"))["cells"]
    path.write_text("my answers")
    assert "as you left it" in run("learn", number, "--no-open").stdout
    assert path.read_text() == "my answers"


def test_jupyterlab_opens_the_copy(run, monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr(learn_command, "find_spec", lambda name: name)

    def start(words, check):
        started.append(words)
        return subprocess.CompletedProcess(words, returncode=3)

    monkeypatch.setattr(subprocess, "run", start)
    assert run("learn", "03", "--folder", "mine").exit_code == 3
    assert started == [[sys.executable, "-m", "jupyterlab", f"mine/{lesson('03').name}"]]


def test_a_fresh_copy_is_trusted(run, monkeypatch, tmp_path):
    """So that JupyterLab shows its pictures before anything is run; what others have changed is not."""
    nbformat = pytest.importorskip("nbformat")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    run("learn", "03", "--no-open")
    path = tmp_path / "lessons" / lesson("03").name
    notary = nbformat.sign.NotebookNotary()
    notebook = nbformat.read(path, as_version=4)
    assert notary.check_signature(notebook)
    notebook.cells[1].outputs = [nbformat.v4.new_output("stream", text="changed")]
    assert not notary.check_signature(notebook)


def test_without_jupyterlab_it_says_what_to_do(run, monkeypatch):
    monkeypatch.setattr(learn_command, "find_spec", lambda name: None)
    assert "pip install 'tinygrad-cnn[learn]'" in run("learn", "03").stdout


def test_solutions_for_teachers(run, tmp_path):
    result = run("learn", "03", "--solutions", "teacher")
    assert result.exit_code == 0
    text = (tmp_path / "teacher" / lesson("03").name).read_text(encoding="utf-8")
    assert text.count("### BEGIN SOLUTION") == len(lesson("03").exercises)
    assert run("learn", "--solutions", "all").exit_code == 0
    assert len(list((tmp_path / "all").iterdir())) == len(lessons())


@pytest.mark.parametrize(
    ("words", "expected"),
    [(("99",), "there is no lesson named '99'"), (("03", "--language", "xx"), "there is no language")],
)
def test_mistakes_are_understood(run, words, expected):
    result = run("learn", *words, "--no-open")
    assert result.exit_code == 2
    assert expected in result.stderr
