"""Pictures in files: every format, both renderers, whole or not at all."""

import builtins
import importlib.util
import shutil
import stat
import xml.etree.ElementTree as ElementTree

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import viz
from tinygrad_cnn.errors import ArgumentError, OptionalDependencyError
from tinygrad_cnn.graph import Graph
from tinygrad_cnn.viz import render

STARTS = {
    "svg": b"<?xml",
    "png": b"\x89PNG\r\n",
    "pdf": b"%PDF",
    "dot": b"digraph",
    "mmd": b"%%{init",
    "tex": b"\\documentclass",
}


@pytest.fixture
def graph():
    a = tc.tensor(1.0, requires_grad=True, name="a")
    return Graph.of(a + a)


@pytest.fixture
def no_dot(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)


@pytest.fixture
def no_pygraphviz(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name == "pygraphviz":
            raise ImportError("No module named 'pygraphviz'")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)


@pytest.mark.parametrize("format", STARTS)
def test_every_format(graph, tmp_path, format):
    path = graph.render(tmp_path / f"g.{format}")
    assert path.read_bytes().startswith(STARTS[format])
    assert [file.name for file in tmp_path.iterdir()] == [f"g.{format}"]


@pytest.mark.skipif(importlib.util.find_spec("pygraphviz") is None, reason="pygraphviz is not installed")
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_in_process(graph, no_dot, format, capfd):
    assert render.draw(graph.to_dot(), format).startswith(STARTS[format])
    assert viz.renderer().startswith("pygraphviz 2")
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(shutil.which("dot") is None, reason="the program dot is not installed")
@pytest.mark.parametrize("format", ["svg", "png", "pdf"])
def test_with_the_program(graph, no_pygraphviz, format):
    assert render.draw(graph.to_dot(), format).startswith(STARTS[format])
    assert viz.renderer() == shutil.which("dot")


def test_the_program_is_run_when_it_is_there(graph, tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\necho "$@"; cat\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    drawn = render.draw(graph.to_dot(), "pdf").decode()
    assert drawn.startswith("-Kdot -Tpdf")
    assert drawn.endswith(graph.to_dot())


def test_a_program_that_fails_is_quoted(graph, tmp_path, monkeypatch):
    program = tmp_path / "dot"
    program.write_text('#!/bin/sh\ncat > /dev/null; echo "out of ink" >&2; exit 3\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(ArgumentError, match="out of ink"):
        graph.render(tmp_path / "g.svg")
    assert not (tmp_path / "g.svg").exists()


def test_without_any_renderer_the_error_says_what_to_install(graph, tmp_path, no_dot, no_pygraphviz):
    assert viz.renderer() is None
    with pytest.raises(OptionalDependencyError, match=r"pip install 'tinygrad-cnn\[viz\]'"):
        graph.render(tmp_path / "g.svg")
    assert graph.render(tmp_path / "g.dot").exists()
    assert graph.render(tmp_path / "g.mmd").exists()


def test_an_unknown_extension_lists_the_known(graph, tmp_path):
    with pytest.raises(ArgumentError, match=r"\.svg, \.png, \.pdf, \.dot, \.mmd, \.tex"):
        graph.render(tmp_path / "g.bmp")


def test_a_place_that_cannot_be_written(graph, tmp_path):
    with pytest.raises(ArgumentError, match="cannot be written"):
        graph.render(tmp_path / "nowhere" / "g.dot")


def test_a_failure_leaves_the_old_file_whole(graph, tmp_path, monkeypatch):
    path = tmp_path / "g.svg"
    path.write_text("old")

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ArgumentError, match="No space left on device"):
        graph.render(path)
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["g.svg"]


def test_a_notebook_shows_the_picture(graph):
    assert ElementTree.fromstring(graph._repr_svg_().encode()).tag.endswith("svg")


def test_lenet5_renders_with_its_layers_as_boxes(tmp_path):
    with tc.use_backend("meta"):
        network = tc.models.create("lenet5")
        loss = tc.functional.cross_entropy(network(tc.zeros(64, 1, 28, 28)), tc.zeros(64, dtype=tc.int64))
    svg = Graph.of(loss).render(tmp_path / "lenet5.svg").read_text()
    for box in ("conv1", "conv2", "fc1", "fc2", "fc3"):
        assert f">{box}</text>" in svg
