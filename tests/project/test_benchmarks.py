"""The benchmarks measure what they say: everything runs, everybody computes the same. No time is judged."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

import tinygrad_cnn as tc

OURS = {
    "LENET5": lambda: tc.models.LeNet5(),
    "MLP": lambda: tc.models.MLP([256, 128]),
    "SMALL_CNN": lambda: tc.models.SmallCNN(dropout=0.0),
    "SMALL_VGG": lambda: tc.models.SmallVGG(),
    "RESNET20": lambda: tc.models.ResNet20(),
}


@pytest.mark.parametrize("name", OURS)
def test_descriptions_are_the_networks_of_the_package(benchmark, name):
    networks, peers = benchmark("networks"), benchmark("peers")
    network = networks.without_dropout(getattr(networks, name))
    weights = networks.first_weights(network)
    model = OURS[name]()
    assert [p.shape for p in model.parameters()] == [weight.shape for weight in weights]
    for parameter, weight in zip(model.parameters(), weights, strict=True):
        parameter.assign(weight)
    images = np.random.default_rng(0).random((2, *type(model).input_size), dtype=np.float32)
    peer = peers.find("ours")(network, weights, threads=1)
    x, _ = peer.batch(images, np.zeros(2, np.int64))
    model.eval()
    np.testing.assert_allclose(peer.predict(x), model(x).numpy(), rtol=1e-5, atol=1e-5)


WORKLOADS = (
    *("lenet-b64", "lenet-b256", "lenet-load", "cnn-bn", "vgg-small", "mlp", "resnet20"),
    *("lenet-predict-b1", "lenet-predict-b256"),
)


def test_no_workload_is_forgotten_here(benchmark):
    assert tuple(benchmark("workloads").WORKLOADS) == WORKLOADS


@pytest.mark.parametrize("name", WORKLOADS)
def test_everybody_does_the_same_work(benchmark, name):
    tiny = replace(benchmark("workloads").WORKLOADS[name].checked(), batch=4)
    contenders = ["ours", "readable", "captured", "exact"] + ["torch"] * (find_spec("torch") is not None)
    losses = {contender: run(benchmark, tiny, contender) for contender in contenders}
    for other in losses.values():
        assert all(map(math.isfinite, other))
        assert other == pytest.approx(losses["ours"], rel=1e-3)


def run(benchmark, workload, name):
    networks, peers, workloads = benchmark("networks"), benchmark("peers"), benchmark("workloads")
    peer = peers.find(name)(workload.network, networks.first_weights(workload.network), threads=1)
    return workloads.losses(workload, peer, workloads.batches(workload, peer), benchmark("turns").WARM_UP)


@pytest.mark.parametrize("name", ["lenet-b64", "lenet-predict-b1"])
def test_a_captured_contender_is_replayed_before_it_is_measured(benchmark, name):
    networks, peers, workloads = benchmark("networks"), benchmark("peers"), benchmark("workloads")
    tiny = replace(workloads.WORKLOADS[name], batch=4)
    peer = peers.find("captured")(tiny.network, networks.first_weights(tiny.network), threads=1)
    workloads.losses(tiny, peer, workloads.batches(tiny, peer), benchmark("turns").WARM_UP - 2)
    assert (peer.forward if tiny.kind == "predict" else peer.train_step).plan is not None


def test_everybody_learns_by_the_same_recipe(benchmark):
    epochs = benchmark("epochs")
    recipe = replace(epochs.QUICK, epochs=1, batch_size=200)
    for name, entry in epochs.CONTENDERS.items():
        if find_spec(entry.package.replace("-", "_")) is not None:
            (accuracy,) = getattr(benchmark(f"peers.{entry.module}"), entry.name)(recipe, seed=0, threads=1)
            assert 0.4 < accuracy < 0.9, name


def test_missing_images_are_told(benchmark, tmp_path):
    epochs = benchmark("epochs")
    recipe = epochs.Recipe(folder=tmp_path)
    measured = epochs.measure(recipe, ["trainer"], rounds=1, threads=1, say=lambda line: None)
    assert "apt-get install dataset-fashion-mnist" in measured["left_out"]["trainer"]
    assert "t10k-images-idx3-ubyte.gz" in measured["left_out"]["trainer"]
    assert measured["contenders"] == {}


def test_epochs_are_measured_in_turns_and_a_failure_is_told(benchmark, monkeypatch):
    epochs, order = benchmark("epochs"), []

    def run(function, entry, recipe, seed, threads):
        (name,) = (name for name, known in epochs.CONTENDERS.items() if known is entry)
        order.append((seed, name))
        if name == "torch":
            raise RuntimeError("no memory")
        return {"seconds": [1.0], "accuracy": [0.5]}

    monkeypatch.setattr(epochs, "in_fresh_process", run)
    monkeypatch.setattr(epochs, "PAUSE", 0.0)
    names = ["trainer", "torch", "torch-loader"]
    measured = epochs.measure(epochs.QUICK, names, rounds=2, threads=1, say=lambda line: None)
    assert order == [(0, "trainer"), (0, "torch"), (0, "torch-loader"), (1, "trainer"), (1, "torch-loader")]
    assert {name: len(runs) for name, runs in measured["contenders"].items()} == {
        "trainer": 2,
        "torch-loader": 2,
    }
    assert measured["left_out"] == {"torch": "RuntimeError: no memory"}
    json.dumps(measured)


def test_loaders_deal_whole_shuffled_batches_without_end(benchmark):
    networks, peers = benchmark("networks"), benchmark("peers")
    images = np.arange(10, dtype=np.uint8).repeat(784).reshape(10, 1, 28, 28)
    labels = np.arange(10)
    for name in ["ours", "readable"] + ["torch"] * (find_spec("torch") is not None):
        peer = peers.find(name)(networks.MLP, networks.first_weights(networks.MLP), threads=1)
        dealt = peer.loader(images, labels, 4)
        epochs = [[next(dealt) for _ in range(2)] for _ in range(3)]
        orders = [np.concatenate([np.asarray(y) for _, y in epoch]).tolist() for epoch in epochs]
        assert all(len(set(order)) == 8 for order in orders)
        assert orders[0] != orders[1]
        x, y = epochs[2][0]
        assert np.asarray(x).shape == (4, 1, 28, 28)
        np.testing.assert_allclose(np.asarray(x)[:, 0, 0, 0] * 255, np.asarray(y), atol=1e-4)


def test_exponents_are_slopes(benchmark):
    scaling = benchmark("scaling")
    points = [
        {"axis": "width", "size": size, "peer": "ours", "seconds": 3e-4 * size**1.5} for size in (8, 16, 32)
    ]
    (fit,) = scaling.fits([*points, {"axis": "depth", "size": 1, "peer": "ours", "seconds": 1.0}])
    assert fit["axis"] == "width"
    assert fit["exponent"] == pytest.approx(1.5)
    assert scaling.workload("image", 8).image == (1, 8, 8)


def test_the_machine_says_which_kernels_multiply_its_matrices(benchmark, monkeypatch):
    machine = benchmark("machine")
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.blas.advice", lambda: "buy another one")
    monkeypatch.setattr("tinygrad_cnn_backends.numpy.blas.library", lambda: {"architecture": "Zen"})
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    facts = machine.describe()
    assert facts["machine"]["advice"] == "buy another one"
    assert "(Zen kernels, by OPENBLAS_CORETYPE=Zen)" in machine.sentence({**facts, "threads": 1})
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    assert "(Zen kernels)" in machine.sentence({**machine.describe(), "threads": 1})


def test_contenders_take_turns_and_a_failure_is_told(benchmark, monkeypatch):
    turns, workloads = benchmark("turns"), benchmark("workloads")
    monkeypatch.setattr(turns, "PAUSE", 0.0)
    tiny = replace(workloads.WORKLOADS["mlp"], batch=4)
    limits = {"rounds": 2, "threads": 1, "patience": 60.0, "say": lambda line: None}
    ready, left_out = turns.compare(tiny, ["ours"], **limits)
    assert not left_out
    assert [contender.peer for contender in ready] == ["ours"]
    assert len(ready[0].rates) == 2
    assert all(rate > 0 for rate in ready[0].rates)
    assert ready[0].peak >= ready[0].imported > 0
    assert len(ready[0].losses) == turns.WARM_UP
    networks = benchmark("networks")
    broken = replace(tiny, network=(networks.Flatten(), networks.Linear(3, 10)))
    ready, left_out = turns.compare(broken, ["ours"], **limits)
    assert not ready
    assert "ShapeError" in left_out["ours"]


def test_the_report_has_every_table(benchmark, tmp_path):
    pytest.importorskip("matplotlib")
    report, plots = benchmark("report"), benchmark("plots")
    contender = {
        "images_per_second": [1000.0, 2000.0, 3000.0],
        "warm_up_seconds": 0.25,
        "peak_bytes": 100 * 2**20,
        "peak_after_import_bytes": 40 * 2**20,
        "apart": 1e-7,
    }
    torch = {**contender, "images_per_second": [1000.0, 1000.0, 1500.0], "peer": "torch"}
    row = {"name": "mlp", "title": "MLP", "batch": 4, "warm_up": 6, "left_out": {"jax": "no time"}}
    run = {"seconds": [1.0, 2.0], "accuracy": [0.8, 0.91234], "peak_bytes": 100 * 2**20}
    machine = {"processor": "P", "processors": 2, "memory_bytes": 2**30, "system": "S", "python": "3"}
    results = {
        "date": "today",
        "commit": "c0ffee",
        "command": "compare.py",
        "machine": {
            **machine,
            "numpy": "2",
            "blas": "B",
            "blas_kernels": "K",
            "OPENBLAS_CORETYPE": "K",
            "advice": "try harder",
        },
        "threads": 2,
        "rounds": 3,
        "quick": False,
        "versions": {"tinygrad-cnn": "0.1", "torch": "2"},
        "missing": {"dezero": "not installed"},
        "workloads": [{**row, "contenders": [{**contender, "peer": "captured"}, torch]}],
        "fashion-epochs": {
            "recipe": {"epochs": 2, "batch_size": 64, "learning_rate": 0.1},
            "contenders": {"trainer": [run, run], "torch": [{**run, "seconds": [2.0, 3.0]}] * 2},
            "left_out": {"torch-loader": "no patience"},
        },
        "scalar": ({"our Scalar": [0.1, 0.2], "micrograd": [0.2, 0.4]}, 0.5),
        "overhead": [{"name": "add", "ours": [1.0, 1.0], "torch": [2.0, 2.0]}],
        "graphs": [{"model": "lenet5", "stage": "to_dot", "milliseconds": [1.0]}],
        "scaling": [{"axis": "batch", "peer": "ours", "sizes": [1, 2], "seconds": [1, 2], "exponent": 1.0}],
    }
    text = report.text(json.loads(json.dumps(results)), ["speed", "scaling"])
    assert "(K kernels, by OPENBLAS_CORETYPE=K)" in text
    assert "left as it is: try harder." in text
    speed = "| tinygrad_cnn, captured | 2,000 (1,500–2,500) | 2.00 (1.50–2.00) | 0.2 | 100 | 60 | 1e-07 |"
    assert speed in text
    assert "× DeZero |" not in text
    assert "- without JAX, jit: no time" in text
    trained = "| tinygrad_cnn, Trainer | 2.0 (2.0–2.0) | 1.50 (1.50–1.50) | 91.23%, 91.23% | 100 |"
    assert trained in text
    assert "60,000 images, 2 epochs" in text
    assert "- without PyTorch, DataLoader: no patience" in text
    assert "| our Scalar | 150.0 (125.0–175.0) | 2.00 (2.00–2.00) |" in text
    assert "| add | 1.00 (1.00–1.00) | 2.00 (2.00–2.00) | 0.50 (0.50–0.50) |" in text
    assert "compare.py --workloads scaling" in text
    assert text.endswith(f"{report.ON_A_GPU}\n\n{report.NOTHING_MEASURED}\n")
    assert plots.draw(results, tmp_path) == ["speed", "fashion-epochs", "scaling"]
    assert (tmp_path / "speed.svg").read_text(encoding="utf-8").startswith("<?xml")
