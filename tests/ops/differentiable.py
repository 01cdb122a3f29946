"""Which cases have a gradient to check, and which operations have rules."""

from __future__ import annotations

from tinygrad_cnn.testing.samples import cases, first_output, has_gradient, library_operations

__all__ = ["DIFFERENTIABLE", "FUSED", "RULES", "first_output"]

DIFFERENTIABLE = [case for case in cases() if has_gradient(case)]
FUSED = [case for case in DIFFERENTIABLE if case.op.composite is not None]
RULES = [(op, name) for op in library_operations() for name in op.rules]
