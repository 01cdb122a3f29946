"""Every operation beside NumPy in float64: how far off is it, in each precision?

The error of a result is its largest difference from the true value, in parts of the largest true value. The
inputs are float32 numbers, in bfloat16 such as have 16 bits, and the reference gets exactly the same ones. So
what is measured is the rounding inside of an operation, or a mistake.

    samples      each operation on the small examples it is declared with, and its gradients
    layers       what networks are made of, in the sizes in which they are trained, and its gradients
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from turns import in_fresh_process, in_words

from gpu_parts.run import Measured, Row, Run, Say, Tables, rounding

KEY = ("precision",)

# What more than this is off by is listed. Numbers have 23, 10 and 7 binary digits after the point, products
# add thousands of them, and gradients go through two or three operations.
MOST_OFF = {"float32": 1e-4, "tf32": 5e-3, "bfloat16": 5e-2}
FEW_IMAGES, MANY_IMAGES = 2, 64  # in the batches of `layers`
WRONG = 1.0  # the error of a result with infinities or NaN where there should be none, or the other way round


def measure(run: Run, say: Say) -> Measured:
    """A row for each precision."""
    for precision in run.precisions:
        say(f"parity: every operation in {precision}")
        yield in_fresh_process(_errors, precision, run.dry_run, run.is_short)


def tables(rows: list[Row], found: dict[str, Any]) -> Tables:
    if rows:
        head = ["", "of", *(rounding(row["precision"], dry_run=found["dry_run"]) for row in rows)]
        notes = [_sentence(name, row) for name, row in zip(head[2:], rows, strict=True)]
        sizes = f"batches of {FEW_IMAGES}" if found["dry_run"] or found["quick"] else "real sizes"
        yield f"errors of layers in {sizes}", [head, *_compared(rows, "layers", least=0.0)], notes
        if unusual := _compared(rows, "samples", least=1.0):
            yield "errors of operations further off than usual", [head, *unusual], []


def _compared(rows: list[Row], kind: str, *, least: float) -> list[list[str]]:
    """A line for each result whose error is at least so many times what is usual, in every precision."""
    errors: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        for result in row[kind]:
            errors.setdefault((result["name"], result["of"]), {})[row["precision"]] = result["error"]
    precisions = [row["precision"] for row in rows]
    return [
        [name, of, *(_shown(found.get(precision), precision) for precision in precisions)]
        for (name, of), found in errors.items()
        if any(each >= least * MOST_OFF[precision] for precision, each in found.items())
    ]


def error(got: Any, expected: Any) -> float:
    """The largest difference in parts of the largest expected value; of whole numbers, how many differ."""
    import numpy as np

    if expected.size == 0:
        return 0.0
    if expected.dtype.kind != "f":
        return float(np.mean(got != expected))
    got, finite = got.astype(np.float64), np.isfinite(expected)
    if (
        not np.array_equal(got[~finite], expected[~finite], equal_nan=True)
        or not np.isfinite(got[finite]).all()
    ):
        return WRONG
    scale = np.abs(expected[finite]).max(initial=0.0)
    apart = np.abs(got[finite] - expected[finite]).max(initial=0.0)
    return float(apart / scale) if scale else float(min(apart, WRONG))


# --- in a process of its own ----------------------------------------------------------------------


class _Layer(NamedTuple):
    """Something to compute, and the shapes of its inputs; the first is the one that images come in by."""

    name: str
    function: Callable[..., Any]
    shapes: dict[str, tuple[int, ...]]


def _errors(precision: str, dry_run: bool, is_short: bool) -> Row:
    samples, left_out = [], {}
    for name, results in _samples(precision, dry_run):
        try:
            samples += [
                {"name": name, "of": of, "error": error(got, expected)} for of, got, expected in results()
            ]
        except Exception as problem:
            left_out[name] = in_words(problem)
    layers = []
    for layer in _layers(is_short):
        try:
            layers += [
                {"name": layer.name, "of": of, "error": error(got, expected)}
                for of, got, expected in _computed(layer, precision, dry_run)
            ]
        except Exception as problem:
            left_out[layer.name] = in_words(problem)
    return {
        "precision": precision,
        "samples": _worst(samples),
        "count": len(samples),
        "layers": layers,
        "left_out": left_out,
    }


def _worst(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of all the samples of an operation the one that is furthest off."""
    worst: dict[tuple[str, str], dict[str, Any]] = {}
    for result in results:
        key = result["name"], result["of"]
        worst[key] = max(worst.get(key, result), result, key=lambda each: each["error"])
    return list(worst.values())


def _samples(precision: str, dry_run: bool) -> Iterator[tuple[str, Callable[[], Iterator[Any]]]]:
    """Every example of every operation: its name, and what computes it on both sides."""
    from functools import partial

    from peers import gpu_ours

    import tinygrad_cnn as tc
    from tinygrad_cnn.testing.samples import cases

    here = gpu_ours.device(precision, dry_run=dry_run)
    reference = tc.get_backend("numpy", overrides=False)
    for case in cases():
        yield case.op.name, partial(_sample, case, here, reference, precision)


def _sample(case: Any, here: Any, reference: Any, precision: str) -> Iterator[tuple[str, Any, Any]]:
    from peers import gpu_ours

    from tinygrad_cnn.testing.samples import arrays, has_gradient

    numbers = [_rounded(number, precision) for number in arrays(case, dtype="float32")]
    names = [case.op.input_name(place) for place in range(len(numbers))]
    wanted = [
        number.dtype.kind == "f" and name in case.op.rules
        for name, number in zip(names, numbers, strict=True)
    ]
    wanted = wanted if has_gradient(case) else [False] * len(names)

    def function(*inputs: Any) -> Any:
        return case.op(*inputs, **case.sample.params)

    with gpu_ours.autocast(precision):
        got = list(_results(function, numbers, wanted, here))
    expected = list(_results(function, [_wider(number) for number in numbers], wanted, reference))
    yield from _paired(names, wanted, got, expected)


def _layers(is_short: bool) -> Iterator[_Layer]:
    """Batches of images inside a residual network; small ones where it has to be quick."""
    import tinygrad_cnn.functional as F

    n = FEW_IMAGES if is_short else MANY_IMAGES

    def convolution(x: Any, weight: Any, bias: Any = None, **window: int) -> Any:
        return F.conv2d(x, weight, bias, **window)

    yield _Layer(
        "convolution 5×5, 1 → 6", convolution, {"x": (n, 1, 28, 28), "weight": (6, 1, 5, 5), "bias": (6,)}
    )
    for channels, size in ((64, 32), (128, 16), (256, 8), (512, 4)):
        shapes = {"x": (n, channels, size, size), "weight": (channels, channels, 3, 3)}
        yield _Layer(
            f"convolution 3×3, {channels} channels, {size}×{size}",
            lambda x, weight: convolution(x, weight, padding=1),
            shapes,
        )
    yield _Layer(
        "convolution 3×3, 64 → 128, stride 2",
        lambda x, weight: convolution(x, weight, padding=1, stride=2),
        {"x": (n, 64, 32, 32), "weight": (128, 64, 3, 3)},
    )
    yield _Layer(
        "convolution 1×1, 64 → 128, stride 2",
        lambda x, weight: convolution(x, weight, stride=2),
        {"x": (n, 64, 32, 32), "weight": (128, 64, 1, 1)},
    )
    yield _Layer("linear 3136 → 128", F.linear, {"x": (n, 3136), "weight": (128, 3136), "bias": (128,)})
    yield _Layer(
        "batch norm, 64 channels, 32×32",
        lambda x, weight, bias: F.batch_norm(x, None, None, weight, bias, training=True),
        {"x": (n, 64, 32, 32), "weight": (64,), "bias": (64,)},
    )
    yield _Layer("max pooling 2×2", lambda x: F.max_pool2d(x, 2), {"x": (n, 64, 32, 32)})
    yield _Layer("average pooling 2×2", lambda x: F.avg_pool2d(x, 2), {"x": (n, 64, 32, 32)})
    yield _Layer("mean over all places", lambda x: x.mean(dim=(2, 3)), {"x": (n, 512, 4, 4)})
    yield _Layer("cross-entropy of 10 classes", _cross_entropy, {"x": (8 * n, 10)})


def _cross_entropy(x: Any) -> Any:
    import tinygrad_cnn as tc

    with tc.use_backend(x.backend):
        return tc.functional.cross_entropy(x, tc.arange(x.shape[0]) % 10)


def _computed(layer: _Layer, precision: str, dry_run: bool) -> Iterator[tuple[str, Any, Any]]:
    import numpy as np
    from peers import gpu_ours

    import tinygrad_cnn as tc

    generator = np.random.default_rng(3)
    drawn = [generator.normal(size=shape).astype(np.float32) for shape in layer.shapes.values()]
    numbers = [_rounded(number, precision) for number in drawn]
    wanted = [True] * len(numbers)

    def function(
        x: Any, *others: Any
    ) -> Any:  # images come from the layer before, in 16 bits if it has so few
        return layer.function(x.to(tc.bfloat16) if precision == "bfloat16" else x, *others)

    with gpu_ours.autocast(precision):
        got = list(_results(function, numbers, wanted, gpu_ours.device(precision, dry_run=dry_run)))
    wide = [_wider(number) for number in numbers]
    expected = list(_results(layer.function, wide, wanted, tc.get_backend("numpy")))
    yield from _paired(list(layer.shapes), wanted, got, expected)


def _results(function: Any, numbers: list[Any], wanted: list[bool], backend: Any) -> Iterator[Any]:
    """What comes out, then the gradients of the first output's weighted sum."""
    import numpy as np

    import tinygrad_cnn as tc

    inputs = [
        tc.tensor(number, backend=backend, requires_grad=needed)
        for number, needed in zip(numbers, wanted, strict=True)
    ]
    results = function(*inputs)
    outputs = results if isinstance(results, tuple) else (results,)
    yield [output.to(tc.float32).numpy() if _is_short_float(output) else output.numpy() for output in outputs]
    if any(wanted):
        # Positive, so that large sums do not cancel; and of seven binary digits.
        weights = np.random.default_rng(4).integers(1, 128, outputs[0].shape) / 128
        seed = tc.tensor(weights, dtype=outputs[0].dtype, backend=backend)
        sources = [value for value, needed in zip(inputs, wanted, strict=True) if needed]
        for gradient in tc.grad(outputs[0], sources, seed):
            yield None if gradient is None else gradient.numpy()


def _is_short_float(value: Any) -> bool:
    return bool(value.dtype.is_floating) and value.dtype.itemsize < 4


def _paired(names: list[str], wanted: list[bool], got: list[Any], expected: list[Any]) -> Iterator[Any]:
    for mine, its in zip(got[0], expected[0], strict=True):
        yield "result", mine, its
    sources = [name for name, needed in zip(names, wanted, strict=True) if needed]
    for name, mine, its in zip(sources, got[1:], expected[1:], strict=bool(sources)):
        if its is not None:
            yield f"gradient of {name}", mine, its


def _rounded(number: Any, precision: str) -> Any:
    """To the nearest bfloat16, which is the upper half of a float32; other precisions take every float32."""
    if precision != "bfloat16" or number.dtype != "float32":
        return number
    bits = number.view("uint32")
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view("float32")


def _wider(number: Any) -> Any:
    return number.astype("float64") if number.dtype.kind == "f" else number


# --- in words -------------------------------------------------------------------------------------


def _shown(found: float | None, precision: str) -> str:
    if found is None:
        return "–"
    return f"{found:.0e}{' !' if found >= MOST_OFF[precision] else ''}"


def _sentence(rounded: str, row: Row) -> str:
    left_out = [f"{name} ({why})" for name, why in row["left_out"].items()]
    without = f"; not computed: {', '.join(left_out)}" if left_out else ""
    names = {result["name"] for result in row["samples"]}
    return f"{rounded}: {row['count']} results of {len(names)} operations{without}"
