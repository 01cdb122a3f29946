"""Where the time of a step goes: which kernels take it, and how far the step is from what the GPU can do.

Each contender runs alone. First some steps are timed as in `speed`; then some are watched, in one of two
ways:

    kernels      PyTorch's profiler, which asks CUPTI: it sees every kernel that the process runs, no matter
                 whether PyTorch or CuPy has asked for it, alone or inside a CUDA graph
    operations   where there is no PyTorch to ask: each operation of our eager step between two CUDA events.
                 That is the same work without what a captured step fuses, so it tells shares and no totals.
                 In a dry run there are no kernels, and PyTorch's profiler tells its operations too

Watching costs time, so the watched steps are timed as well, and the table adds up to them: the families of
kernels one below the other, then what is left, then the sum.
"""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import networks as net
from peers import Entry
from tables import spread
from turns import in_fresh_process, in_words
from workloads import Workload, batches, losses

from gpu_parts import contenders, costs, limits
from gpu_parts.run import Measured, Row, Run, Say, Table, Tables

# Seconds of a watched step; and by name what ran in it.
Watched: TypeAlias = tuple[float, list[dict[str, Any]]]

KEY = ("name", "precision", "layout", "peer")


class _Effort(NamedTuple):
    """Steps before anything is timed; stretches, each as long as a turn, that are timed; watched steps."""

    warm_up: int
    stretches: int
    watched: int


EFFORT = {"in earnest": _Effort(10, 5, 10), "dry run": _Effort(6, 2, 1)}
_KEPT = 40  # kernels in the file; the rest is their sum
# Those whose steps differ in their kernels; the other contenders run the same ones.
WORTH_IT = ("captured", "torch", "torch-compile", "torch-graph")

# Names of kernels, from the particular to the general.
FAMILIES = (
    ("batch norm", r"batch_?norm|bn_(fw|bw)|layer_?norm"),
    ("loss", r"softmax|nll|cross_entropy"),
    ("pooling", r"pool"),
    ("update", r"multi_tensor|descent|adam|sgd|foreach|averages|count_up"),
    ("copy", r"memcpy|memset|copy|fill|nchw_?to_?nhwc|nhwc_?to_?nchw|transpose|assign|layout"),
    ("convolution", r"conv|fprop|dgrad|wgrad|winograd|im2col|col2im|cudnn"),
    ("matrix product", r"gemm|gemv|cublas|cutlass|matmul|addmm|::mm\b|splitk"),
    ("reduction", r"reduce|sum|mean"),
    ("elementwise", r"elementwise|relu|threshold|add|mul|triton|cupy_|div|where|dropout|mask|philox"),
)

# What the lines of the tables mean; below the first of them.
LEGEND = (
    "a step: as long as in a turn of `speed`, with nobody watching",
    "from the first family to “none of these”: what adds up to the watched step, by the names of kernels",
    "none of these: the rest of it; below zero where kernels ran side by side",
    "a step, watched: longer, since watching costs time",
    "kernels: how many kernels, or operations where those were watched, a step consists of",
    "busy: the kernels' time in parts of the unwatched step; where it is below 100 %, the GPU had to wait",
)


def measure(run: Run, say: Say) -> Measured:
    """A row for each workload, precision and contender."""
    for precision in run.precisions:
        entries = contenders.entries([n for n in run.contenders if n in WORTH_IT], precision, run)
        missing = contenders.missing(entries)
        for name in run.workloads:
            workload = contenders.workload(name, run)
            cost = costs.of_step(workload, itemsize=2 if precision == "bfloat16" else 4)._asdict()
            for peer, entry in entries.items():
                say(f"breakdown: {name} in {precision}, {entry.title}")
                setting = {"name": name, "peer": peer, "precision": precision, "layout": run.layout}
                found = {"left_out": missing[peer]} if peer in missing else _alone(workload, entry, run)
                yield {**setting, "title": workload.title, "costs": cost, **found}


def tables(rows: list[Row], found: dict[str, Any]) -> Tables:
    by_setting: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        by_setting[row["name"], row["precision"], row["layout"]].append(row)
    legend = LEGEND
    for here in by_setting.values():
        yield _table(here, found, legend)
        legend = ()


def _table(here: list[Row], found: dict[str, Any], legend: Iterable[str]) -> Table:
    """A column for each contender at one workload, which adds up from top to bottom."""
    title = partial(contenders.title, dry_run=found["dry_run"])
    watched = [row for row in here if "left_out" not in row]
    body = list(map(list, zip(_LINES, *map(_column, watched), strict=True)))
    for what, seconds in _floors(here[0]["costs"], here[0]["precision"], found["parts"]["limits"]):
        body.append([f"at least, by {what}", *[f"{seconds * 1e3:.3f}"] * len(watched)])
    notes = [f"without {title(row['peer'])}: {row['left_out']}" for row in here if "left_out" in row]
    notes += [f"{title(row['peer'])}: by {row['how']}, {_busiest(row)}" for row in watched]
    where = f"{here[0]['title']}, {contenders.setting(here[0], dry_run=found['dry_run'])}"
    head = ["ms", *(title(row["peer"]) for row in watched)]
    return f"where the time goes: {where}", [head, *body], [*notes, *legend]


def by_family(kernels: list[dict[str, Any]]) -> Counter[str]:
    """Seconds of a step by kind of kernel."""
    seconds: Counter[str] = Counter()
    for kernel in kernels:
        seconds[family(kernel["name"])] += kernel["seconds"]
    return seconds


def family(name: str) -> str:
    """What a kernel is for, as far as its name tells.

    >>> family("sm80_xmma_fprop_implicit_gemm_tf32"), family("ampere_sgemm_128x64_nn"), family("qux")
    ('convolution', 'matrix product', 'other')
    """
    return next((family for family, words in FAMILIES if re.search(words, name.lower())), "other")


def _alone(workload: Workload, entry: Entry, run: Run) -> Row:
    try:
        found: Row = in_fresh_process(watched, workload, entry, run.threads, run.dry_run)
    except Exception as problem:
        return {"left_out": in_words(problem)}
    return found


# --- in a process of its own ----------------------------------------------------------------------


def watched(workload: Workload, entry: Entry, threads: int, dry_run: bool) -> Row:
    """The time of a step, and of what it consists of."""
    peer = entry.load()(workload.network, net.first_weights(workload.network), threads=threads)
    dealt = batches(workload, peer)
    warm_up, stretches, steps = EFFORT["dry run" if dry_run else "in earnest"]
    losses(workload, peer, dealt, warm_up)
    seconds = [_timed(peer, peer.step, dealt, workload.steps) for _ in range(stretches)]
    how = "operations" if dry_run else "kernels"
    watched_seconds, kernels = _kernels(peer, dealt, steps, on_gpu=not dry_run)
    if not kernels:
        how = "operations of a step that is not captured"
        watched_seconds, kernels = _operations(peer, dealt, steps)
    if not kernels:
        raise RuntimeError("neither kernels nor operations could be watched")
    return {
        "how": how,
        "step_seconds": seconds,
        "watched_seconds": watched_seconds,
        "count": sum(kernel["count"] for kernel in kernels),
        "kernels": _most(kernels),
        "device_bytes": peer.device_memory(),
    }


def _timed(peer: Any, step: Callable[..., Any], dealt: Any, steps: int) -> float:
    """Seconds of one step."""
    peer.wait()
    start = time.perf_counter()
    for _ in range(steps):
        step(*next(dealt))
    peer.wait()
    return (time.perf_counter() - start) / steps


def _kernels(peer: Any, dealt: Any, steps: int, *, on_gpu: bool) -> Watched:
    """By PyTorch's profiler: what ran on the GPU; in a dry run, PyTorch's operations on the processor."""
    try:
        import torch
        from torch.profiler import ProfilerActivity, profile
    except ImportError:
        return 0.0, []
    if on_gpu and not torch.cuda.is_available():
        return 0.0, []
    if on_gpu:
        torch.cuda.init()  # the profiler looks for GPUs that PyTorch knows of
    activity = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with profile(activities=[activity]) as profiler:
        seconds = _timed(peer, peer.step, dealt, steps)
    on_processor = torch.autograd.DeviceType.CPU
    spans = [
        (event.name, (event.time_range.elapsed_us() if on_gpu else event.self_cpu_time_total) * 1e-6)
        for event in profiler.events()
        if (event.device_type == on_processor) != on_gpu and not event.is_user_annotation
    ]
    return seconds, _summed(spans, steps)


def _operations(peer: Any, dealt: Any, steps: int) -> Watched:
    """Of our backends: every operation of an eager step, between two events of the device.

    A backend runs each kernel through its `run`, if it has one; here it gets one that looks at the clock.
    """
    import tinygrad_cnn_backends  # only a peer of ours has a backend

    backend = getattr(peer, "device", None)
    if not type(backend).__module__.startswith(tinygrad_cnn_backends.__name__):
        return 0.0, []
    mark, elapsed = _stopwatch(backend)
    spans: list[tuple[str, Any, Any]] = []
    before = backend.run

    def run(kernel: Any, arrays: list[Any], params: Any) -> Any:
        start = mark()
        made = kernel(backend, *arrays, **params) if before is None else before(kernel, arrays, params)
        spans.append((getattr(kernel, "__name__", type(kernel).__name__), start, mark()))
        return made

    step = getattr(peer.train_step, "step", peer.train_step)  # without `tc.capture`
    with peer._backend():
        step(*next(dealt))  # what an operation prepares when it is first used is no part of a step
        backend.run = run
        try:
            seconds = _timed(peer, step, dealt, steps)
        finally:
            del backend.run
    return seconds, _summed([(name, elapsed(start, end)) for name, start, end in spans], steps)


def _stopwatch(backend: Any) -> tuple[Callable[[], Any], Callable[[Any, Any], float]]:
    """What makes a mark in the device's work, and what tells the seconds between two marks."""
    if backend.name != "cupy":
        return time.perf_counter, lambda start, end: end - start
    cuda = backend.cupy.cuda

    def mark() -> Any:
        event = cuda.Event()
        event.record()
        return event

    return mark, lambda start, end: cuda.get_elapsed_time(start, end) * 1e-3


def _summed(spans: Iterable[tuple[str, float]], steps: int) -> list[dict[str, Any]]:
    """Seconds and calls of each name in one step, the longest first."""
    seconds: dict[str, float] = defaultdict(float)
    count: Counter[str] = Counter()
    for name, each in spans:
        seconds[name] += each
        count[name] += 1
    found = [
        {"name": name, "count": count[name] / steps, "seconds": seconds[name] / steps} for name in seconds
    ]
    return sorted(found, key=lambda kernel: -kernel["seconds"])


def _most(kernels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rest = kernels[_KEPT:]
    if not rest:
        return kernels
    others = {what: sum(kernel[what] for kernel in rest) for what in ("count", "seconds")}
    return [*kernels[:_KEPT], {"name": f"{len(rest)} others", **others}]


# --- in words -------------------------------------------------------------------------------------


_FAMILIES = (*(family for family, _ in FAMILIES), "other")
_LINES = ("a step", *_FAMILIES, "none of these", "a step, watched", "kernels", "busy")


def _column(row: Row) -> list[str]:
    """What stands below a contender, line by line."""
    shares = by_family(row["kernels"])
    watched, running = row["watched_seconds"], sum(shares.values())
    step = statistics.median(row["step_seconds"])
    return [
        spread([each * 1e3 for each in row["step_seconds"]], 3),
        *(f"{shares[family] * 1e3:.3f}" if family in shares else "–" for family in _FAMILIES),
        f"{(watched - running) * 1e3:.3f}",
        f"{watched * 1e3:.3f}",
        f"{row['count']:,.0f}",
        f"{running / step:.0%}" if row["how"] == "kernels" else "–",
    ]


def _floors(cost: dict[str, int], precision: str, measured: list[Row]) -> list[tuple[str, float]]:
    """What the step takes at least, by each limit that has been measured."""
    pairs = (
        ("arithmetic", cost["operations"], limits.of(measured, "product", precision)),
        ("memory", cost["bytes"], limits.of(measured, "copy")),
    )
    return [(what, needed / speed) for what, needed, speed in pairs if speed]


def _busiest(row: Row) -> str:
    kernel = row["kernels"][0]
    total = sum(each["seconds"] for each in row["kernels"])
    name = kernel["name"] if len(kernel["name"]) <= 60 else f"{kernel['name'][:57]}…"
    return f"most in {name} ({kernel['seconds'] / total:.0%})"
