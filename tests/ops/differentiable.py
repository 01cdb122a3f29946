"""Which cases have a gradient to check, and the function whose gradient it is."""

from __future__ import annotations

from tinygrad_cnn.dtypes import Spec, as_dtype
from tinygrad_cnn.testing.samples import Case, arrays, cases, library_operations


def first_output(case: Case):
    """The operation on its sample's parameters as a function of its inputs: its differentiable output."""

    def function(*inputs):
        results = case.op(*inputs, **case.sample.params)
        return results[0] if isinstance(results, tuple) else results

    return function


def _has_gradient(case: Case) -> bool:
    """Operations with rules give integers on some samples: a cast to int64."""
    specs = [Spec(array.shape, as_dtype(array.dtype)) for array in arrays(case)]
    inferred = case.op.infer(*specs, **case.op.defaults | case.sample.params)
    first = inferred if case.op.single else inferred[0]
    return bool(case.op.rules) and first.dtype.is_floating


DIFFERENTIABLE = [case for case in cases() if _has_gradient(case)]
FUSED = [case for case in DIFFERENTIABLE if case.op.composite is not None]
RULES = [(op, name) for op in library_operations() for name in op.rules]
