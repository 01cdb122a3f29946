"""Which way convolutions take: a plan of cuDNN's, or matrix products.

cuDNN may be missing, and where it is there, it may have no plan for some window. A convolution is computed
either way; but as it may take several times as long, people are told, once for each reason.
"""

from __future__ import annotations

import os
import warnings
from functools import cached_property
from typing import Any

from tinygrad_cnn._source import user_stacklevel
from tinygrad_cnn.backend import Array
from tinygrad_cnn.errors import BackendError

from .choice import Choices
from .keys import PlanKey
from .plans import Cudnn, NoPlan, Plan

INSTALL = "pip install 'tinygrad-cnn[gpu]' installs it; with CUDA 12, 'tinygrad-cnn[gpu-cuda12]'"


class Convolutions:
    """Which way the convolutions of one backend take.

    Args:
        cupy: the module.
        tf32: float32 may be shortened to TF32.
        deterministic: sums have one order.
        benchmark: the file that plans chosen by the clock are kept in; None for cuDNN's own order.

    Raises:
        BackendError: plans are to be chosen, but there is no cuDNN to choose from, or the file is of another
            device or version.
    """

    def __init__(
        self, cupy: Any, *, tf32: bool, deterministic: bool, benchmark: str | os.PathLike[str] | None = None
    ) -> None:
        self.tf32 = tf32
        self.deterministic = deterministic
        self._cupy = cupy
        self._benchmark = benchmark
        self._warned: set[str] = set()
        if not isinstance(benchmark, (str, os.PathLike, type(None))):
            raise BackendError(
                "benchmark is a path",
                argument="benchmark",
                expected="a file's name or None",
                got=repr(benchmark),
            )
        if benchmark is not None and isinstance(self.cudnn, NoPlan):
            raise BackendError(
                f"there are no plans to choose from: {self.cudnn}",
                argument="benchmark",
                expected="None, or an installed cuDNN",
                got=str(benchmark),
                hint=INSTALL,
            )

    @cached_property
    def cudnn(self) -> Cudnn | NoPlan:
        """The library, opened when it is first needed; or why it cannot be."""
        try:
            return Cudnn(self._cupy, None if self._benchmark is None else self._choices)
        except NoPlan as problem:
            return problem

    def plan(self, key: PlanKey) -> Plan | None:
        """cuDNN's plan for a key, or None: then the fallback computes, which is said once for each reason."""
        try:
            if isinstance(self.cudnn, NoPlan):
                raise self.cudnn
            return self.cudnn.plan(key)
        except NoPlan as problem:
            self._warn(problem)
            return None

    def run(self, plan: Plan, inputs: tuple[Array, ...], out: Array) -> Array:
        """The result `out` of a plan that `plan` gave."""
        assert isinstance(self.cudnn, Cudnn)
        self.cudnn.run(plan, inputs, out)
        return out

    def info(self) -> dict[str, str]:
        """Facts for people."""
        if isinstance(self.cudnn, NoPlan):
            return {"convolutions": f"windows as rows of a matrix, then cuBLAS: {self.cudnn}"}
        order = f"chosen by the clock, in {self._benchmark}" if self._benchmark else "in cuDNN's order"
        facts = {"convolutions": f"cuDNN {self.cudnn.version}, plans {order}"}
        if self._warned:
            facts["convolutions without cuDNN"] = "; ".join(sorted(self._warned))
        return facts

    def _choices(self, version: str) -> Choices:
        assert self._benchmark is not None
        properties = self._cupy.cuda.runtime.getDeviceProperties(self._cupy.cuda.Device().id)
        return Choices(self._benchmark, properties["name"].decode(), version)

    def _warn(self, problem: NoPlan) -> None:
        reason = str(problem)
        if reason in self._warned:
            return
        self._warned.add(reason)
        advice = f" ({INSTALL})" if isinstance(self.cudnn, NoPlan) else ""
        warnings.warn(
            f"convolutions are computed by matrix products: {reason}{advice}",
            UserWarning,
            stacklevel=user_stacklevel(),
        )
