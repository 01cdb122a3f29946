"""cuDNN at work: one handle, plans that are built once, and runs of them.

Building a plan takes milliseconds, and longer where a kernel has to be compiled; asking for a run of it takes
some microseconds. So plans are kept for as long as the backend lives.

A plan may need a *workspace*, memory for what it computes in between. It comes from the pool that CuPy takes
memory from at the time of the call, and goes back there. So a captured step, which brings a pool of its own,
keeps the memory that its graph knows by address.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

from tinygrad_cnn.backend import Array
from tinygrad_cnn.errors import BackendError

from ..kernels.launch import address
from . import graphs
from .choice import Choices, quickest
from .keys import PlanKey

OLDEST_CUDNN = 90000


class NoPlan(Exception):
    """There is no way through cuDNN; says why."""


class Plan:
    """One way to compute what a key says.

    Attributes:
        key: what it computes.
        graph: cuDNN's description of it, with all ways.
        index: which of them is this one; None while it has not been chosen.
        workspace: bytes that it needs while it runs.
    """

    def __init__(self, key: PlanKey, graph: Any, index: int | None) -> None:
        self.key = key
        self.graph = graph
        self.index = index
        self.workspace = 0 if index is None else graph.get_workspace_size_plan_at_index(index)


class Cudnn:
    """The library, opened.

    Args:
        cupy: the module.
        benchmark: makes the memory for choices by the clock, given cuDNN's version; None for cuDNN's own
            order.

    Raises:
        NoPlan: it is not installed or does not work here.
    """

    def __init__(self, cupy: Any, benchmark: Callable[[str], Choices] | None = None) -> None:
        self._cupy = cupy
        self._cudnn, self._handle = _opened()
        self.version: str = self._cudnn.backend_version_string()
        self._choices = None if benchmark is None else benchmark(self.version)
        self._plans: dict[PlanKey, Plan | NoPlan] = {}
        self._stream: int | None = None
        self._lock = threading.Lock()  # a handle has one stream at a time, and serves one thread at a time

    def plan(self, key: PlanKey) -> Plan:
        """The plan for a key.

        Raises:
            NoPlan: cuDNN has none that computes it as asked for.
        """
        found = self._plans.get(key)
        if found is None:
            found = self._plans[key] = self._planned(key)
        if isinstance(found, NoPlan):
            raise found
        return found

    def run(self, plan: Plan, inputs: Sequence[Array], out: Array) -> None:
        """Ask the device to compute `out` from the inputs, on the stream in force; does not wait for it.

        Arrays must lie as the plan's key says: without gaps, from an address that 16 divides.
        """
        addresses = dict(zip(graphs.INPUTS, map(address, inputs), strict=False))
        addresses[graphs.OUTPUT] = address(out)
        with self._lock:
            self._follow_stream()
            index = self._choose(plan, addresses) if plan.index is None else plan.index
            self._execute(plan.graph, index, plan.workspace, addresses)

    def _planned(self, key: PlanKey) -> Plan | NoPlan:
        with self._lock:
            self._follow_stream()
            try:
                graph = graphs.listed(self._cudnn, key, handle=self._handle)
            except (RuntimeError, self._cudnn.cudnnGraphNotSupportedError) as error:
                return NoPlan(f"cuDNN has no plan for {key}: {_first_line(error)}")
            if self._choices is None:
                return self._first(key, graph)
            name = self._choices.get(key)
            if name is not None:
                return Plan(key, graph, self._named(name, key, graph))
            # A capture does not run anything, so there would be nothing to time.
            is_capturing = self._cupy.cuda.get_current_stream().is_capturing()
            return self._first(key, graph) if is_capturing else Plan(key, graph, None)

    def _first(self, key: PlanKey, graph: Any) -> Plan | NoPlan:
        index = next(self._buildable(graph), None)
        if index is None:
            return NoPlan(f"cuDNN has no plan for {key} that computes it as precisely as asked for")
        return Plan(key, graph, index)

    def _named(self, name: str, key: PlanKey, graph: Any) -> int:
        """The plan that was chosen earlier, built again."""
        for index in range(graph.get_execution_plan_count()):
            if graph.get_plan_name_at_index(index) == name and self._builds(graph, index):
                return index
        raise BackendError(
            f"cuDNN does not offer the plan that {getattr(self._choices, 'path', None)} names for {key}",
            argument="benchmark",
            expected="a plan that this device and this cuDNN have",
            got=name,
            hint="delete the file to have plans timed again",
        )

    def _choose(self, plan: Plan, addresses: dict[int, int]) -> int:
        """Time all ways on these arrays, and keep the quickest."""

        def run(index: int) -> None:
            workspace = plan.graph.get_workspace_size_plan_at_index(index)
            self._execute(plan.graph, index, workspace, addresses)

        # A captured step keeps the memory that it has; workspaces that are only tried are none of its.
        with self._cupy.cuda.using_allocator(self._cupy.get_default_memory_pool().malloc):
            index = quickest(self._cupy, self._buildable(plan.graph), run)
        plan.index, plan.workspace = index, plan.graph.get_workspace_size_plan_at_index(index)
        if self._choices is not None:
            self._choices.keep(plan.key, plan.graph.get_plan_name_at_index(index))
        return index

    def _buildable(self, graph: Any) -> Iterator[int]:
        """The numbers of the plans that are acceptable and can be built, in cuDNN's order; builds them."""
        return (index for index in range(graph.get_execution_plan_count()) if self._builds(graph, index))

    def _builds(self, graph: Any, index: int) -> bool:
        try:
            graph.build_plan_at_index(index)
        except (RuntimeError, self._cudnn.cudnnGraphNotSupportedError):
            return False  # struck off, or not for this device after all
        return True

    def _execute(self, graph: Any, index: int, workspace: int, addresses: dict[int, int]) -> None:
        memory = self._cupy.cuda.alloc(workspace) if workspace else None
        start = 0 if memory is None else int(memory.ptr)
        graph.execute_plan_at_index(addresses, start, index, handle=self._handle)

    def _follow_stream(self) -> None:
        stream = self._cupy.cuda.get_current_stream().ptr
        if stream != self._stream:
            self._cudnn.set_stream(handle=self._handle, stream=stream)
            self._stream = stream


def _opened() -> tuple[Any, int]:
    """The module and a handle of it."""
    try:
        cudnn = import_module("cudnn")
    except (ImportError, OSError) as error:
        raise NoPlan(f"nvidia-cudnn-frontend cannot be imported: {_first_line(error)}") from error
    try:
        if cudnn.backend_version() < OLDEST_CUDNN:
            raise NoPlan(f"cuDNN {cudnn.backend_version_string()} is too old; 9 is needed")
        return cudnn, cudnn.create_handle()
    except RuntimeError as error:
        raise NoPlan(f"cuDNN cannot be used: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
