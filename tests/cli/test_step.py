"""`tinygrad-cnn step`: examples, traces, pages, and mistakes that are understood."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cnn as tc
from tinygrad_cnn.cli import examples
from tinygrad_cnn.cli import step_command as command
from tinygrad_cnn.errors import UnknownName


def words(text):
    return " ".join(text.split())


# --- help


def test_help_teaches_by_example(run):
    result = run("step", "--help")
    assert result.exit_code == 0
    for name in examples.COMPUTATIONS:
        assert name in result.output
    _, listed = result.output.split("Examples:")
    lines = [line.strip() for line in listed.splitlines() if line.strip()]
    for comment, line in zip(lines[::2], lines[1::2], strict=True):
        assert comment.startswith("# ")
        assert line.startswith("tinygrad-cnn step")


# --- lessons


def test_lesson_one_is_listed(run):
    result = run("step", "--example", "fan-out", "--plain")
    assert result.exit_code == 0
    assert result.stdout.startswith("1  start at c\n   The walk starts at c. L is c itself, so ∂L/∂c = 1.\n")
    assert result.stdout.endswith(
        "9  ∂L/∂a finished\n   ∂L/∂a = 4 is finished. a is a leaf, so this is the gradient that was wanted.\n"
    )


def test_what_is_no_terminal_gets_the_listing(run):
    assert run("step", "--example", "fan-out").stdout == run("step", "--example", "fan-out", "--plain").stdout


def test_logistic_regression_has_the_numbers_of_the_lecture():
    graph = examples.graph_of("logistic-regression")
    value = {node.name: node.value.item() for node in graph.nodes}
    assert value["ŷ1"] == pytest.approx(0.8129, abs=5e-5)
    assert value["ŷ2"] == pytest.approx(0.1871, abs=5e-5)
    gradient = {graph.nodes[e.node].name: e.value.item() for e in graph.events if e.kind == "visit"}
    assert gradient["b1"] == pytest.approx(value["ŷ1"] - 1, abs=1e-15)
    assert round(gradient["b1"], 2) == -0.19
    assert gradient["b2"] == pytest.approx(value["ŷ2"], abs=1e-15)


def test_the_convolution_has_the_numbers_of_the_lecture():
    graph = examples.graph_of("convolution")
    assert graph.node("O").value.tolist() == [[[[19, 25], [37, 43]]]]
    gradient = {graph.nodes[e.node].name: e.value.numpy() for e in graph.events if e.kind == "visit"}
    image, ones = np.arange(9.0).reshape(3, 3), np.ones((2, 2))
    windows = np.lib.stride_tricks.sliding_window_view(image, (2, 2))
    np.testing.assert_array_equal(gradient["F"][0, 0], np.einsum("ijkl,ij->kl", windows, ones))


def test_lenet5_looks_at_one_image():
    graph = examples.graph_of("lenet5")
    assert graph.node("images").outputs[0].shape == (1, 1, 28, 28)
    assert graph.node("LeNet5/conv1/weight").kind == "parameter"
    assert graph.events[-1].kind == "visit"


@pytest.mark.parametrize("name", examples.COMPUTATIONS)
def test_a_lesson_is_the_same_every_time(name):
    first, second = examples.graph_of(name), examples.graph_of(name)
    assert [n.name for n in first.nodes] == [n.name for n in second.nodes]
    for one, other in zip(first.events, second.events, strict=True):
        np.testing.assert_array_equal(one.value.numpy(), other.value.numpy())


def test_a_lesson_names_no_line_of_the_program_that_runs_it():
    graph = examples.graph_of("fan-out")
    assert {node.source for node in [*graph.nodes, *graph.backward_nodes]} == {""}


def test_an_unknown_lesson_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'fan-out'"):
        examples.graph_of("fanout")


# --- traces


def test_a_trace_of_ones_own(run):
    w = tc.tensor(3.0, requires_grad=True, name="w")
    with tc.record():
        loss = w * w
    graph = tc.Graph.of(loss)
    graph.backward()
    graph.save("loss.json")
    result = run("step", "loss.json")
    assert result.exit_code == 0
    assert "∂L/∂w = 3 + 3 = 6: at a fan-out the contributions add up." in words(result.stdout)


def test_a_trace_is_written_and_read_again(run):
    result = run("step", "--example", "convolution", "--trace", "conv.json")
    assert words(result.stdout) == "conv.json: 4 nodes, 7 steps"
    listed = run("step", "--example", "convolution", "--plain").stdout
    assert run("step", "conv.json", "--plain").stdout == listed


def test_a_page_is_written(run):
    result = run("step", "--example", "fan-out", "--html", "fan.html", "--trace", "fan.json")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == ["fan.json: 3 nodes, 9 steps", "fan.html: open it in a browser"]
    page = Path("fan.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "fan-out" in page


# --- the player


def test_a_terminal_gets_the_player(run, monkeypatch):
    played = []
    monkeypatch.setattr(command.terminal, "play", lambda *seen, **options: played.append((*seen, options)))
    monkeypatch.setattr(command, "sys", Terminal)
    assert run("step", "--example", "fan-out", "--theme", "light").exit_code == 0
    ((graph, title, options),) = played
    assert (len(graph.nodes), title, options) == (3, "fan-out", {"theme": "light"})
    assert run("step", "--example", "fan-out", "--plain").stdout.startswith("1  start at c")
    assert len(played) == 1


class Terminal:
    """As `sys` is where people sit in front of it."""

    class stdin:  # noqa: N801
        isatty = staticmethod(lambda: True)

    stdout = stdin


def test_without_textual_there_is_still_the_listing():
    code = (
        "import sys; sys.modules['textual'] = None\n"
        "sys.argv[1:] = ['step', '--example', 'fan-out']\n"
        "from tinygrad_cnn.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "9  ∂L/∂a finished" in done.stdout


# --- mistakes


@pytest.mark.parametrize(
    ("line", "said", "code"),
    [
        ("step", "there is nothing to step through expected: a trace file, or --example and a name try:", 2),
        ("step x.json --example fan-out", "a trace and an example were given", 2),
        ("step nowhere.json", "there is no file 'nowhere.json' argument: TRACE.json expected:", 2),
        ("step convolution", "try: tinygrad-cnn step --example convolution", 2),
        ("step --example lenet", "did you mean 'lenet5'?", 2),
        ("step --example fan-out --theme blue", "there is no theme named 'blue'", 2),
        ("step broken.json", "broken.json: this is not JSON", 1),
        ("step other.json", "this is not a trace", 1),
        ("step old.json", "this trace has another version expected: version 1 got: version 99 try:", 1),
        ("step damaged.json", "the trace is damaged", 1),
        ("step forward.json", "this graph comes from a file that was written before its backward()", 1),
        ("step .", "there is no file '.'", 2),
        (
            "step --example fan-out --trace nowhere/out.json",
            "there is no folder 'nowhere' argument: --trace",
            2,
        ),
        (
            "step --example fan-out --html nowhere/out.html",
            "there is no folder 'nowhere' argument: --html",
            2,
        ),
    ],
)
def test_mistakes_are_understood(run, line, said, code):
    trace = json.loads(examples.graph_of("fan-out").to_json())
    Path("broken.json").write_text('{"format": ')
    Path("other.json").write_text('{"name": "a package"}')
    Path("old.json").write_text(json.dumps(trace | {"version": 99}))
    Path("damaged.json").write_text(json.dumps(trace | {"nodes": trace["nodes"][:1]}))
    Path("forward.json").write_text(json.dumps(trace | {"events": []}))
    result = run(*line.split())
    assert result.exit_code == code
    assert said in words(result.stderr)
    assert "Traceback" not in result.output
    assert result.stdout == ""
