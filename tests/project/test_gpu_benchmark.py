"""benchmarks/gpu.py measures what it says, as far as that can be told without a GPU. No time is judged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cupy_stand_in import installed

import tinygrad_cnn as tc
from tinygrad_cnn_backends.cupy import CupyBackend, probe

FOLDER = Path(__file__).parents[2] / "benchmarks"
needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed")
needs_no_gpu = pytest.mark.skipif(probe.find_problem() is None, reason="there is a GPU")

DRY = {"precision": "tf32", "dry_run": True}
PEERS = {
    "eager": ("gpu_ours", "Eager", DRY),
    "captured": ("gpu_ours", "Captured", DRY),
    "torch": ("gpu_pytorch", "Eager", {**DRY, "layout": "channels_last"}),
    "torch-nchw": ("gpu_pytorch", "Eager", {**DRY, "layout": "nchw"}),
    "torch-compile": ("gpu_pytorch", "Compiled", {**DRY, "layout": "channels_last"}),
    "torch-graph": ("gpu_pytorch", "Graphed", {**DRY, "layout": "channels_last"}),
}
ADDING = ("torch", "torch-nchw", "torch-compile")  # on a processor their update is plain additions
each_peer = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[needs_torch] * name.startswith("torch")) for name in PEERS]
)


@pytest.fixture
def run(benchmark, tmp_path):
    """What a dry run asks for."""
    return benchmark("gpu_parts.run").Run(
        dry_run=True,
        quick=False,
        workloads=("lenet-b128",),
        contenders=("captured", "eager"),
        precisions=("tf32",),
        layout="channels_last",
        rounds=2,
        threads=1,
        patience=60.0,
        data=tmp_path,
        plans=tmp_path / "plans.json",
    )


def peer(benchmark, name, workload):
    module, class_name, options = PEERS[name]
    entry = benchmark("peers").Entry(name, "", module, class_name, options=options)
    weights = benchmark("networks").first_weights(workload.network)
    return entry.load()(workload.network, weights, threads=1)


def tiny(benchmark, name="lenet-b128"):
    return replace(benchmark("gpu_parts.contenders").WORKLOADS[name].checked(), batch=4)


def losses(benchmark, made, workload):
    workloads = benchmark("workloads")
    return workloads.losses(workload, made, workloads.batches(workload, made), benchmark("turns").WARM_UP)


# --- contenders -----------------------------------------------------------------------------------


@each_peer
@pytest.mark.parametrize("workload", ["lenet-b128", "cnn-bn-b256"])
def test_contenders_do_the_work_of_those_on_the_processor(benchmark, name, workload):
    small = tiny(benchmark, workload)
    weights = benchmark("networks").first_weights(small.network)
    reference = benchmark("peers").find("ours")(small.network, weights, threads=1)
    found = losses(benchmark, peer(benchmark, name, small), small)
    assert found == pytest.approx(losses(benchmark, reference, small), rel=1e-4)


def test_on_cupy_the_same_is_computed(benchmark, monkeypatch):
    small = tiny(benchmark)
    expected = losses(benchmark, peer(benchmark, "eager", small), small)
    with installed():
        backend = CupyBackend(overrides=False)
        monkeypatch.setattr(benchmark("peers.gpu_ours"), "device", lambda *_, **__: backend)
        made = peer(benchmark, "eager", small)
        assert made.model[0].weight.backend is backend
        assert losses(benchmark, made, small) == pytest.approx(expected, rel=1e-4)
        assert made.device_memory() == backend.memory()["held"]


def test_ours_is_asked_for_with_the_precision_and_the_timed_plans(benchmark, monkeypatch):
    asked = []
    monkeypatch.setattr(tc, "get_backend", lambda name, **options: asked.append((name, options)))
    ours = benchmark("peers.gpu_ours")
    ours.device("tf32", dry_run=False, plans="plans.json")
    ours.device("float32", dry_run=False)
    ours.device("bfloat16", dry_run=False)
    assert asked == [
        ("cupy", {"tf32": True, "benchmark": "plans.json"}),
        ("cupy", {"tf32": False}),
        ("cupy", {"tf32": False}),
    ]


@needs_torch
def test_pytorchs_switches_are_set_and_a_missing_gpu_is_told(benchmark):
    import torch

    theirs = benchmark("peers.gpu_pytorch")
    switches = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [each.allow_tf32 for each in switches], torch.backends.cudnn.benchmark
    try:
        for precision, expected in (("tf32", True), ("float32", False), ("bfloat16", False)):
            theirs.device(precision, dry_run=True)
            assert [each.allow_tf32 for each in switches] == [expected, expected]
            assert torch.backends.cudnn.benchmark
        if not torch.cuda.is_available():
            with pytest.raises(RuntimeError, match="sees no GPU"):
                theirs.device("tf32", dry_run=False)
    finally:
        for each, value in zip(switches, before[0], strict=True):
            each.allow_tf32 = value
        torch.backends.cudnn.benchmark = before[1]


@needs_torch
def test_a_replayed_function_sees_new_inputs_and_old_state(benchmark):
    import torch

    theirs = benchmark("peers.gpu_pytorch")
    total = torch.zeros(())
    replayed = theirs.Replayed(lambda x: total.add_(x.sum()).clone(), torch.device("cpu"))
    sums = [float(replayed(torch.full((2,), float(k)))) for k in range(6)]
    assert sums == [0.0, 2.0, 6.0, 12.0, 20.0, 30.0]
    with pytest.raises(RuntimeError):  # as a graph does not take another shape
        replayed(torch.ones(3))


def test_resnet18_is_the_one_for_small_images(benchmark):
    networks, costs = benchmark("networks"), benchmark("gpu_parts.costs")
    weights = networks.first_weights(networks.RESNET18)
    assert sum(weight.size for weight in weights) == 11_173_962  # as in the literature on CIFAR-10
    assert len([weight for weight in weights if weight.ndim == 4 and weight.shape[2] == 3]) == 17
    passed = list(costs._passed(networks.RESNET18, (3, 32, 32)))
    assert passed[0].after == (64, 32, 32)
    assert [p.after for p in passed if isinstance(p.layer, networks.Residual)][-1] == (512, 4, 4)


@pytest.mark.parametrize("name", ["ours", "torch", "torch-graph"])
def test_everybody_learns_by_the_same_recipe(benchmark, run, name):
    accuracy = benchmark("gpu_parts.accuracy")
    entry = accuracy._entries("tf32", run)[name]
    if find_spec(entry.package.replace("-", "_")) is None:
        pytest.skip(f"{entry.package} is not installed")
    recipe = replace(accuracy._short(accuracy.RECIPES["LeNet-5"], run), flip=True)
    (reached,) = entry.load()(recipe, seed=0, threads=1)
    assert 0.4 < reached < 0.9


def test_a_turn_ends_when_everything_has_been_computed(benchmark):
    turns, small = benchmark("turns"), tiny(benchmark)

    class Late(benchmark("peers").Peer):
        def __init__(self):
            self.asked = self.done = 0

        def step(self, x, y):
            self.asked += 1
            return 1.0

        def wait(self):
            time.sleep(0.2)
            self.done = self.asked

    late = Late()
    rate, _ = turns._turn(small, late, iter([(None, None)] * 3), 3)
    assert late.done == 3
    assert rate < 3 * small.batch / 0.2


@pytest.mark.parametrize(("on_device", "told"), [(123, 123), (None, "of the process")])
def test_the_memory_told_is_the_devices_if_there_is_one(benchmark, monkeypatch, on_device, told):
    turns, sent, questions = benchmark("turns"), [], [None]
    monkeypatch.setattr(turns, "peak_memory", lambda: "of the process")
    monkeypatch.setattr(turns.os, "dup2", lambda *_: None)
    made = peer(benchmark, "eager", tiny(benchmark))
    monkeypatch.setattr(made, "device_memory", lambda: on_device)
    entry = SimpleNamespace(load=lambda: lambda *_, **__: made)
    line = SimpleNamespace(send=sent.append, recv=questions.pop)
    turns._serve(line, entry, tiny(benchmark), 1)
    (_, imported, losses), peak = sent
    assert imported == "of the process"
    assert len(losses) == turns.WARM_UP
    assert peak == told


# --- parts ----------------------------------------------------------------------------------------


def test_errors_are_parts_of_the_largest_value(benchmark):
    error = benchmark("gpu_parts.parity").error
    expected = np.array([1.0, -4.0])
    assert error(np.array([1.0, -3.0], np.float32), expected) == 0.25
    assert error(np.array([1, 2, 3, 4]), np.array([1, 2, 4, 3])) == 0.5
    assert error(np.array([1.0, np.nan]), expected) == 1.0
    assert error(np.array([1.0, 2.0]), np.array([1.0, np.inf])) == 1.0
    assert error(np.array([np.nan, 2.0]), np.array([np.nan, 2.0])) == 0.0
    assert error(np.zeros((0, 2)), np.zeros((0, 2))) == 0.0


def test_parity_knows_every_operation_and_finds_a_wrong_one(benchmark, monkeypatch):
    parity = benchmark("gpu_parts.parity")
    row = parity._errors("float32", True, True)
    names = {result["name"] for result in row["samples"]}
    assert {"conv", "matmul", "max_pool", "batch_norm", "softmax_cross_entropy", "exp"} <= names
    assert not row["left_out"]
    assert max(result["error"] for result in [*row["samples"], *row["layers"]]) < 1e-4
    wrong = tc.get_backend("numpy", overrides=True, exact=True)
    kernels = {**wrong.kernels, "exp": lambda B, x: B.xp.exp(x) * np.float32(1.5)}
    monkeypatch.setattr(wrong, "kernels", kernels)
    monkeypatch.setattr(benchmark("peers.gpu_ours"), "device", lambda *_, **__: wrong)
    rows = [parity._errors("float32", True, True)]
    tables = parity.tables(rows, {"dry_run": True, "quick": False})
    (shown,) = [rows for title, rows, _ in tables if "further off" in title]
    assert ["exp", "result", "5e-01 !"] in shown


def test_a_failed_test_of_the_backend_is_told(benchmark, tmp_path):
    conformance = benchmark("gpu_parts.conformance")
    file = tmp_path / "test_some.py"
    file.write_text("def test_good(): pass\ndef test_bad(): assert 1 == 2\n", encoding="utf-8")
    row = conformance.outcomes((str(file),), patience=60)
    assert (row["passed"], row["failed"], row["stopped"]) == (1, 1, "")
    (((name, why),)) = row["failures"].items()
    assert name.endswith("test_bad")
    assert "AssertionError" in why
    assert conformance.failure(row) == "1 of 2 conformance tests have failed"
    file.write_text("import no_such_module\n", encoding="utf-8")
    row = conformance.outcomes((str(file),), patience=60)
    assert row["failed"] == 1
    assert "no_such_module" in next(iter(row["failures"].values()))


def test_what_was_tested_before_time_ran_out_is_kept(benchmark, monkeypatch):
    conformance = benchmark("gpu_parts.conformance")

    def run(command, *, timeout, **options):
        file = Path(command[command.index("--outcomes") + 1])
        file.write_text(json.dumps({"test": "t", "outcome": "passed", "why": ""}) + "\n", encoding="utf-8")
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(conformance.subprocess, "run", run)
    row = conformance.outcomes(conformance.ON_GPU, patience=8)
    assert (row["passed"], row["failed"], row["stopped"]) == (1, 0, "stopped after 8 s")
    assert conformance.failure(row) == "not all conformance tests have been run: stopped after 8 s"


def test_tests_that_did_not_run_are_told_from_tests_that_failed(benchmark, run, monkeypatch):
    gpu, conformance = benchmark("gpu"), benchmark("gpu_parts.conformance")
    monkeypatch.setattr(conformance, "find_spec", lambda name: None)
    found = benchmark("gpu_parts.results").begin(None, FACTS)
    failed = gpu._measure(run, SimpleNamespace(parts=["conformance"], json=None), found)
    assert failed == ["no conformance test has been run: pytest is not installed"]
    counts = {"passed": 0, "failed": 0, "skipped": 3, "stopped": ""}
    assert conformance.failure(counts) == "no conformance test has been run: all were skipped"
    assert conformance.failure({**counts, "passed": 1}) is None


def test_costs_are_those_counted_by_hand(benchmark):
    costs, networks = benchmark("gpu_parts.costs"), benchmark("networks")
    Workload = benchmark("workloads").Workload
    network = (
        networks.Conv(1, 2, 3, padding=1),
        networks.ReLU(),
        networks.Flatten(),
        networks.Linear(32, 10),
    )
    cost = costs.of_step(Workload("tiny", "", network, (1, 4, 4), batch=5, steps=1))
    # The images need no gradient: two products of the convolution, three of the linear layer.
    assert cost.operations == 5 * 2 * (2 * 16 * 2 * 9 + 3 * 320)
    weights = 2 * 9 + 2 + 320 + 10
    numbers = (16 + 32 + 32 + 16) + (32 + 10 + 10 + 2 * 32)
    assert cost.bytes == 4 * 5 * numbers + 4 * 8 * weights
    halved = costs.of_step(Workload("tiny", "", network, (1, 4, 4), batch=5, steps=1), itemsize=2)
    assert cost.bytes - halved.bytes == 2 * 5 * numbers


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32_nhwckrsc_nchw", "convolution"),
        ("void cudnn::engines_precompiled::nchwToNhwcKernel<float>", "copy"),
        ("void at::native::batch_norm_collect_statistics_kernel", "batch norm"),
        ("batch_norm_grad_parts", "batch norm"),
        ("max_pool_scatter", "pooling"),
        ("void at::native::(anonymous namespace)::multi_tensor_apply_kernel<SGD>", "update"),
        ("momentum_descent", "update"),
        ("ampere_sgemm_128x64_nn", "matrix product"),
        ("cutlass_80_tensorop_s1688gemm_128x128", "matrix product"),
        ("void at::native::vectorized_elementwise_kernel<4, threshold>", "elementwise"),
        ("Memcpy DtoD (Device -> Device)", "copy"),
        ("cross_entropy_grad", "loss"),
        ("something", "other"),
    ],
)
def test_kernels_are_told_apart_by_their_names(benchmark, name, family):
    assert benchmark("gpu_parts.breakdown").family(name) == family


@each_peer
def test_a_step_is_taken_apart(benchmark, name):
    breakdown, small = benchmark("gpu_parts.breakdown"), tiny(benchmark)
    module, class_name, options = PEERS[name]
    entry = benchmark("peers").Entry(name, "", module, class_name, options=options)
    found = breakdown.watched(replace(small, steps=1), entry, 1, True)
    assert found["how"].startswith("operations")  # a processor runs no kernels
    assert ("not captured" in found["how"]) == (not name.startswith("torch"))
    families = breakdown.by_family(found["kernels"])
    assert 0 < sum(families.values()) <= found["watched_seconds"]
    assert families["convolution"] > 0
    assert families["update"] > 0 or name in ADDING
    assert len(found["step_seconds"]) == breakdown.EFFORT["dry run"].stretches
    seconds = [kernel["seconds"] for kernel in found["kernels"] if "others" not in kernel["name"]]
    assert seconds == sorted(seconds, reverse=True)
    assert len(seconds) <= breakdown._KEPT


def test_what_watches_operations_is_gone_afterwards(benchmark):
    breakdown, workloads, small = benchmark("gpu_parts.breakdown"), benchmark("workloads"), tiny(benchmark)
    made = peer(benchmark, "captured", small)
    dealt = workloads.batches(small, made)
    once, twice = (breakdown._operations(made, dealt, steps)[1] for steps in (1, 2))
    assert {k["name"]: k["count"] for k in once} == {k["name"]: k["count"] for k in twice}
    assert "run" not in vars(made.device)


def test_on_a_gpu_events_tell_the_time(benchmark):
    recorded = []
    cuda = SimpleNamespace(
        Event=lambda: SimpleNamespace(record=lambda: recorded.append(True)),
        get_elapsed_time=lambda start, end: 2.0,  # milliseconds
    )
    backend = SimpleNamespace(name="cupy", cupy=SimpleNamespace(cuda=cuda))
    mark, elapsed = benchmark("gpu_parts.breakdown")._stopwatch(backend)
    assert elapsed(mark(), mark()) == 2e-3
    assert len(recorded) == 2


def test_limits_are_found_by_what_and_precision(benchmark, run):
    limits = benchmark("gpu_parts.limits")
    rows = [limits._copying(True), limits._multiplying("tf32", True)]
    assert limits.of(rows, "copy") == rows[0]["per_second"] > 0
    assert limits.of(rows, "product", "tf32") == rows[1]["per_second"] > 0
    assert limits.of(rows, "product", "float32") is None


def test_a_slow_product_is_not_told_as_none(benchmark):
    limits = benchmark("gpu_parts.limits")
    rows = [{"what": "product", "precision": "tf32", "per_second": speed} for speed in (2.5e9, 4e14)]
    ((title, table, _),) = limits.tables(rows, {"dry_run": False})
    assert title == "limits of the GPU"
    assert table[1:] == [["product tf32", "2.50 GFLOP/s"], ["product tf32", "400.00 TFLOP/s"]]


def test_clocks_are_those_of_the_gpu_in_use(benchmark, monkeypatch, tmp_path):
    device = benchmark("gpu_parts.device")
    tool = tmp_path / "nvidia-smi"
    tool.write_text('#!/bin/sh\ncase "$*" in *--id=3*) echo "1 MHz, 2 MHz, 3 MHz, 4 W, 5";; esac\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,1")
    assert device.clocks()["clocks.sm"] == "1 MHz"
    assert device.clocks()["temperature.gpu"] == "5"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert device.clocks() == {}
    tool.unlink()
    assert device.clocks() == {}


# --- results --------------------------------------------------------------------------------------


def speed_row(**changes):
    def contender(name, rates):
        return {
            "peer": name,
            "images_per_second": rates,
            "warm_up_seconds": 1.0,
            "peak_bytes": 2**30,
            "apart": 1e-6,
        }

    row = {
        "name": "lenet-b128",
        "title": "LeNet-5, batch 128",
        "precision": "tf32",
        "layout": "channels_last",
        "warm_up": 6,
        "left_out": {"torch-compile": "no time"},
        "contenders": [
            contender("captured", [300.0, 500.0, 400.0]),
            contender("torch", [100.0, 200.0, 200.0]),
            contender("torch-graph", [400.0, 1000.0, 400.0]),
        ],
        "measured": {"date": "today", "commit": "c0ffee", "clocks": {"clocks.sm": "1 MHz"}},
    }
    return {**row, **changes}


def test_bars_are_judged_turn_by_turn(benchmark):
    bars = benchmark("gpu_parts.bars")
    eager, graph, resnet = bars.distances([speed_row()], in_earnest=True)
    assert eager["ratios"] == [3.0, 2.5, 2.0]
    assert (eager["median"], eager["distance"]) == (2.5, 0.25)
    assert (graph["median"], graph["distance"]) == (0.75, -0.25)
    assert resnet["median"] is resnet["distance"] is None
    ((_, rows, _),) = bars.tables([eager, graph, resnet], FACTS)
    assert [row[-1] for row in rows[1:]] == ["reached, by 25%", "missed, by 25%", "not measured"]
    ((_, rows, _),) = bars.tables(bars.distances([speed_row()], in_earnest=False), FACTS)
    assert [row[-1] for row in rows[1:]] == ["not judged", "not judged", "not measured"]


def test_who_computes_something_else_is_found(benchmark):
    strangers = partial(benchmark("gpu_parts.speed").strangers, dry_run=False)
    assert strangers([speed_row()]) == []
    for apart in (0.05, float("nan")):
        row = speed_row()
        row["contenders"][0]["apart"] = apart
        assert strangers([row]) == ["lenet-b128 in tf32: tinygrad_cnn, captured"]
    assert strangers([speed_row(precision="float32")]) == []


FACTS = {
    "dry_run": False,
    "quick": False,
    "command": "gpu.py",
    "device": {
        "date": "today",
        "commit": "c0ffee",
        "gpu": {"name": "G100"},
        "libraries": {"cuDNN of PyTorch": 91000},
        "versions": {"torch": "2"},
        "machine": {
            "processor": "P",
            "processors": 2,
            "memory_bytes": 2**30,
            "system": "S",
            "python": "3",
            "numpy": "2",
            "blas": "B",
            "blas_kernels": "K",
            "OPENBLAS_CORETYPE": "",
        },
    },
}


def test_rows_are_merged_and_repeated_ones_replaced(benchmark, tmp_path):
    results, file = benchmark("gpu_parts.results"), tmp_path / "gpu.json"
    first = results.begin(file, FACTS)
    results.add(first, "speed", speed_row())
    results.add(first, "speed", speed_row(precision="float32"))
    results.save(first, file)
    second = results.begin(file, {**FACTS, "command": "gpu.py again"})
    results.add(second, "speed", speed_row(title="newer"))
    results.add(second, "limits", {"what": "copy", "precision": "", "per_second": 1e12})
    results.save(second, file)
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found == second
    assert found["commands"] == ["gpu.py", "gpu.py again"]
    titles = [(row["title"], row["precision"]) for row in found["parts"]["speed"]]
    assert titles == [("newer", "tf32"), ("LeNet-5, batch 128", "float32")]
    assert len(found["parts"]["limits"]) == 1
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    "changes", [{"dry_run": True}, {"quick": True}, {"device": {**FACTS["device"], "gpu": {"name": "G1"}}}]
)
def test_results_from_elsewhere_are_not_mixed(benchmark, tmp_path, changes):
    results, file = benchmark("gpu_parts.results"), tmp_path / "gpu.json"
    results.save(results.begin(file, FACTS), file)
    with pytest.raises(results.OtherDeviceError, match="G100, measured fully"):
        results.begin(file, {**FACTS, **changes})


@pytest.fixture
def measured(benchmark):
    """Made-up results of every part."""
    found = benchmark("gpu_parts.results").begin(None, FACTS)
    stamp = {"measured": {"date": "today", "commit": "other", "clocks": {}}}
    setting = {"precision": "tf32", "layout": "channels_last"}
    training = {"seconds": [2.0, 3.0, 4.0], "accuracy": [0.8, 0.91, 0.92], "peak_bytes": 0}
    short = {"seconds": [2.0, 3.0], "accuracy": [0.8, 0.85], "peak_bytes": 0}
    kernels = [
        {"name": "x_fprop", "count": 2, "seconds": 3e-4},
        {"name": "sgemm", "count": 1, "seconds": 1e-4},
    ]
    rows = {
        "limits": [
            {"what": "copy", "precision": "", "per_second": 2e12},
            {"what": "product", "precision": "tf32", "per_second": 4e14},
            {"what": "product", "precision": "bfloat16", "left_out": "no such dtype"},
        ],
        "conformance": [
            {
                "backend": "cupy",
                "passed": 7,
                "failed": 1,
                "skipped": 0,
                "stopped": "",
                "failures": {"a::b": "E"},
            }
        ],
        "parity": [
            {
                "precision": "tf32",
                "layers": [{"name": "convolution", "of": "result", "error": 3e-4}],
                "samples": [{"name": "exp", "of": "result", "error": 0.5}],
                "count": 9,
                "left_out": {"sin": "no"},
            }
        ],
        "speed": [speed_row()],
        "accuracy": [
            {
                "name": "LeNet-5",
                "recipe": {"target": 0.9, "dataset": "fashion-mnist", "epochs": 3},
                **setting,
                "contenders": {"ours": [training, training], "torch": [training, short]},
                "left_out": {"torch-graph": "no time"},
            }
        ],
        "breakdown": [
            {
                "name": "lenet-b128",
                "title": "LeNet-5, batch 128",
                "peer": "captured",
                "how": "kernels",
                **setting,
                "step_seconds": [5e-4, 5e-4, 5e-4],
                "watched_seconds": 7e-4,
                "count": 3.0,
                "kernels": kernels,
                "device_bytes": 1,
                "costs": {"operations": 4 * 10**10, "bytes": 2 * 10**8},
            },
            {
                "name": "lenet-b128",
                "title": "LeNet-5, batch 128",
                "peer": "torch",
                "left_out": "no memory",
                **setting,
                "costs": {"operations": 4 * 10**10, "bytes": 2 * 10**8},
            },
        ],
    }
    for name, many in rows.items():
        found["parts"][name] = [{**row, **stamp} for row in many]
    found["bars"] = benchmark("gpu_parts.bars").distances(found["parts"]["speed"], in_earnest=True)
    return found


def test_every_part_has_a_table(benchmark, measured):
    assert set(measured["parts"]) == set(benchmark("gpu_parts").PARTS)
    gpu, tables = benchmark("gpu"), benchmark("tables")
    shown = "\n".join(
        "\n".join([title, tables.in_markdown(rows), *notes])
        for title, rows, notes in gpu.everything(measured)
    )
    for line in (
        "| GPU: name | G100 |",
        "| copy | 2,000.0 GB/s, read and written |",
        "| product tf32 | 400.00 TFLOP/s |",
        "| product bfloat16 | not measured: no such dtype |",
        "| 7 | 1 | 0 |\nb: E",
        "| convolution | result | 3e-04 |",
        "| exp | result | 5e-01 ! |",
        "tf32: 9 results of 1 operations; not computed: sin (no)",
        "| tinygrad_cnn, captured | 400 (350–450) | 2.50 (2.25–2.75) | 0.75 (0.62–0.88) | 1.0 | 1,024 | ",
        "without PyTorch, torch.compile: no time",
        "| tinygrad_cnn, Trainer | 3.00 (3.00–3.00) | 4.00 (4.00–4.00) | 1.000 (1.000–1.000) | 92.00%, 92",
        "| PyTorch, data on the GPU | 1 of 2 runs: 3.00 |",
        "without PyTorch, data on the GPU, CUDA graph: no time",
        "LeNet-5 on fashion-mnist, 3 epochs, tf32, PyTorch channels_last",
        "where the time goes: LeNet-5, batch 128, tf32, PyTorch channels_last",
        "| a step | 0.500 (0.500–0.500) |",
        "| convolution | 0.300 |\n| matrix product | 0.100 |\n| reduction | – |",
        "| none of these | 0.300 |\n| a step, watched | 0.700 |\n| kernels | 3 |\n| busy | 80% |",
        "| at least, by arithmetic | 0.100 |",
        "| at least, by memory | 0.100 |",
        "without PyTorch, eager: no memory",
        "most in x_fprop (75%)",
    ):
        assert line in shown
    assert "dry run" not in shown


def test_a_dry_run_says_what_it_really_did(benchmark, run, measured):
    contenders, gpu, tables = benchmark("gpu_parts.contenders"), benchmark("gpu"), benchmark("tables")
    title = contenders.workload("resnet20-b512", run).title
    assert title == "ResNet-20, batch 4 instead of 512"
    measured |= {"dry_run": True}
    shown = "\n".join(
        "\n".join([title, tables.in_markdown(rows), *notes])
        for title, rows, notes in gpu.everything(measured)
    )
    for line in (
        "limits of NumPy on this processor, tiny arrays",
        "| product float32 for tf32 |",
        "a few of its tests",
        "errors of layers in batches of 2",
        "| tinygrad_cnn on NumPy, captured | 400",
        "| PyTorch on the CPU, eager for a graph |",
        "| tinygrad_cnn on NumPy, Trainer |",
    ):
        assert line in shown
    for line in ("| tf32", "CUDA graph", "data on the GPU", "tinygrad_cnn, captured", "PyTorch, eager"):
        assert line not in shown


def test_the_time_of_a_step_adds_up_in_one_order(benchmark):
    breakdown = benchmark("gpu_parts.breakdown")

    def row(name, *kernels):
        spans = [{"name": kernel, "count": 1, "seconds": seconds} for kernel, seconds in kernels]
        setting = {"name": name, "title": name, "precision": "tf32", "layout": "nchw", "peer": "torch"}
        times = {"step_seconds": [1e-3], "watched_seconds": 2e-3, "count": len(spans), "how": "kernels"}
        return {**setting, **times, "kernels": spans, "costs": {"operations": 1, "bytes": 1}}

    rows = [row("a", ("sgemm", 1e-3), ("conv", 2e-4)), row("b", ("pool", 5e-4), ("what", 1.75e-3))]
    tables = list(breakdown.tables(rows, {"dry_run": False, "parts": {"limits": []}}))
    lines = [[line for line, *_ in table] for _, table, _ in tables]
    assert lines[0] == lines[1]
    for _, table, _ in tables:
        shown = dict(table)
        parts = table[2 : lines[0].index("a step, watched")]
        total = sum(float(cell) for _, cell in parts if cell != "–")
        assert total == pytest.approx(float(shown["a step, watched"])) == 2.0
    first, second = (notes for _, _, notes in tables)
    assert [note for note in first if note in breakdown.LEGEND] == list(breakdown.LEGEND)
    assert not set(second) & set(breakdown.LEGEND)
    for line in ("a step", "none of these", "a step, watched", "kernels", "busy"):
        assert line in lines[0]
        assert any(note.startswith(f"{line}:") for note in breakdown.LEGEND)


@pytest.mark.parametrize("part", ["speed", "accuracy", "breakdown"])
def test_no_line_of_progress_comes_twice(benchmark, run, monkeypatch, part):
    accuracy, breakdown = benchmark("gpu_parts.accuracy"), benchmark("gpu_parts.breakdown")

    def trained(*_, say, **__):
        say("round 1 of 1")
        return {"left_out": {}}

    monkeypatch.setattr(accuracy.epochs, "measure", trained)
    monkeypatch.setattr(breakdown, "_alone", lambda *_: {})
    said, nobody = [], () if part == "speed" else run.contenders  # who would have to be started
    twice = replace(run, precisions=("tf32", "float32"), contenders=nobody)
    assert list(benchmark(f"gpu_parts.{part}").measure(twice, said.append))
    assert len(said) == len(set(said)) >= 2
    for precision in twice.precisions:
        assert any(precision in line for line in said)


def test_the_readme_gets_the_tables(benchmark, measured):
    pytest.importorskip("matplotlib")
    in_readme = "\n".join(benchmark("report")._gpu_tables(measured))
    assert "### Bars\n| bars | at | with | to reach | reached | verdict |" in in_readme
    assert "- without PyTorch, eager: no memory" in in_readme


# --- the command ----------------------------------------------------------------------------------


def command(*arguments):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, str(FOLDER / "gpu.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


@needs_no_gpu
def test_without_a_gpu_it_says_why_and_what_else_there_is(tmp_path):
    ended = command("--json", tmp_path / "gpu.json")
    assert ended.returncode == 1
    assert probe.find_problem().reason in ended.stderr
    assert "--dry-run" in ended.stderr
    assert not list(tmp_path.iterdir())


def test_where_results_cannot_be_written_nothing_is_measured(tmp_path):
    (tmp_path / "text.json").write_text("not JSON", encoding="utf-8")
    for file, why in (
        (tmp_path / "nowhere" / "gpu.json", "cannot be written: No such file or directory"),
        (tmp_path, "cannot be written: it is a folder"),
        (tmp_path / "text.json", "is no JSON: Expecting value"),
    ):
        ended = command("--dry-run", "--parts", "limits", "--json", file)
        assert ended.returncode == 1
        assert ended.stdout == ""
        assert ended.stderr.startswith(f"{file} {why}")  # no progress before it, and no traceback
        assert ended.stderr.count("\n") == 1
    assert [file.name for file in tmp_path.iterdir()] == ["text.json"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"not JSON", "is no JSON: Expecting value"),
        (b"\xff\xfe\x00", "is no JSON: "),
        (b"{}", "is no file of results"),
        (b"[1]", "is no file of results"),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(tmp_path, content, why):
    file = tmp_path / "gpu.json"
    if content is not None:
        file.write_bytes(content)
    ended = command("--show", file)
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"{file} {why}")
    assert ended.stderr.count("\n") == 1


def test_a_dry_run_from_end_to_end(tmp_path):
    file = tmp_path / "gpu.json"
    chosen = ("--parts", "limits", "conformance", "speed", "breakdown", "--workloads", "lenet-b128")
    ended = command("--dry-run", *chosen, "--contenders", "captured", "eager", "--json", file)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["dry_run"] is True
    assert {name: len(rows) for name, rows in found["parts"].items()} == {
        "limits": 2,
        "conformance": 1,
        "parity": 0,
        "speed": 1,
        "accuracy": 0,
        "breakdown": 1,
    }
    (row,) = found["parts"]["speed"]
    assert [len(contender["images_per_second"]) for contender in row["contenders"]] == [2, 2]
    assert row["measured"]["commit"] == found["device"]["commit"]
    assert all(bar["distance"] is None for bar in found["bars"])
    assert "nothing here was run on a GPU" in ended.stdout
    assert "where the time goes" in ended.stdout
    again = command("--show", file)
    assert again.returncode == 0
    assert again.stdout == ended.stdout


def test_a_part_that_breaks_is_told_and_the_others_are_kept(benchmark, run, monkeypatch):
    gpu = benchmark("gpu")

    def measure(run, say):
        yield {"what": "copy", "precision": "", "per_second": 1.0}
        raise RuntimeError("no memory")

    monkeypatch.setattr(benchmark("gpu_parts.limits"), "measure", measure)
    monkeypatch.setattr(
        benchmark("gpu_parts.parity"), "measure", lambda run, say: iter([{"precision": "tf32"}])
    )
    found = benchmark("gpu_parts.results").begin(None, FACTS)
    failed = gpu._measure(run, SimpleNamespace(parts=["limits", "parity"], json=None), found)
    assert failed == ["limits could not be measured: RuntimeError: no memory"]
    assert [len(found["parts"][name]) for name in ("limits", "parity")] == [1, 1]
    assert found["parts"]["parity"][0]["measured"]["commit"] == "c0ffee"


def test_the_readme_says_how_and_that_nothing_was_run_yet(benchmark):
    pytest.importorskip("matplotlib")
    report = benchmark("report")
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert readme.count(report.ON_A_GPU) == 1
    for word in ("bar", "to reach", "captured-timed", "--quick", "--precisions bfloat16", "ml_dtypes"):
        assert word in report.ON_A_GPU
    assert report.NOTHING_MEASURED in readme
