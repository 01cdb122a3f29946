"""How it is measured: contenders take turns, each in a process of its own, and are compared turn by turn.

    A B C  A B C  A B C ...

Whatever else the machine is doing falls on all of them alike, and a ratio is taken between neighbours in
time. Each contender lives in a process of its own, so that no library meets the threads, the memory allocator
or the settings of another, and so that its peak memory can be told. Between turns there is a pause: the
threads of a BLAS or of OpenMP wait for more work by spinning, and would take the processors from the next.

Importing is not part of it. Building and the first steps, in which some compile and some record what they
will replay, are told apart from the rest.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from networks import first_weights
from peers import ENTRIES, Entry, Peer
from workloads import Workload, as_loss, batches, losses, work

PAUSE = 0.25  # seconds
LONGEST_TURN = 5.0  # seconds; who is slow takes fewer steps in a turn
# Steps: TinyJit replays from the third on, and `tc.capture`, which records two to see that they are the same,
# from the fourth on. The losses of these steps are compared, so some of them have to be replayed ones.
WARM_UP = 6


@dataclass
class Contender:
    """A peer at one workload, in its process, and what was measured of it."""

    peer: str
    process: Any
    line: Connection
    warm_up: float = 0.0  # seconds: building, compiling, the first steps
    imported: int = 0  # bytes: peak after the framework is imported
    peak: int = 0  # bytes: peak at the end; of the device's memory for those who compute on one
    losses: list[float] = field(default_factory=list)  # of the first steps, without dropout
    last_loss: float = 0.0
    rates: list[float] = field(default_factory=list)

    def ask(self, question: Any, patience: float) -> Any:
        """Send a question and wait for the answer; a failure over there is one here."""
        self.line.send(question)
        return self.hear(patience)

    def hear(self, patience: float) -> Any:
        if not self.line.poll(patience):
            raise TimeoutError(f"no answer in {patience:g} s")
        try:
            answer = self.line.recv()
        except EOFError:
            raise RuntimeError("its process has ended") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def stop(self) -> None:
        """End the process, in the middle of something if need be."""
        self.process.kill()
        self.process.join()
        self.line.close()


def compare(
    workload: Workload,
    names: list[str],
    *,
    rounds: int,
    threads: int,
    patience: float,
    say: Callable[[str], None],
    entries: Mapping[str, Entry] = ENTRIES,
) -> tuple[list[Contender], dict[str, str]]:
    """Let the peers of these names take turns; returns those who took part, and why others did not."""
    ready, left_out = [], {}
    with few_processors(threads):
        for name in names:
            contender = _start(name, entries[name], workload, threads)
            try:
                say(f"{workload.name}: {entries[name].title} gets ready")
                answer = contender.hear(patience)
            except Exception as problem:
                contender.stop()
                left_out[name] = in_words(problem)
                continue
            contender.warm_up, contender.imported, contender.losses = answer
            ready.append(contender)
        try:
            for turn in range(rounds):
                say(f"{workload.name}: round {turn + 1} of {rounds}")
                for contender in list(ready):
                    time.sleep(PAUSE)
                    try:
                        rate, contender.last_loss = contender.ask(workload.steps, patience)
                        contender.rates.append(rate)
                    except Exception as problem:
                        contender.stop()
                        left_out[contender.peer] = in_words(problem)
                        ready.remove(contender)
            for contender in ready:
                contender.peak = contender.ask(None, patience)
        finally:
            for contender in ready:
                contender.stop()
    return ready, left_out


def as_data(workload: Workload, contenders: list[Contender], left_out: dict[str, str]) -> dict[str, Any]:
    """What was measured of one workload, as plain data. PyTorch is the reference, or else the first."""
    reference = min(contenders, key=lambda contender: contender.peer != "torch", default=None)
    rows = []
    for contender in contenders:
        pairs = zip(contender.losses, reference.losses, strict=True)
        apart = max(abs(mine - other) / max(1.0, abs(other)) for mine, other in pairs)
        rows.append(
            {
                "peer": contender.peer,
                "images_per_second": contender.rates,
                "warm_up_seconds": contender.warm_up,
                "peak_bytes": contender.peak,
                "peak_after_import_bytes": contender.imported,
                "first_losses": contender.losses,
                "last_loss": contender.last_loss,
                "apart": apart,
            }
        )
    facts = {"name": workload.name, "title": workload.title, "batch": workload.batch, "warm_up": WARM_UP}
    return {**facts, "left_out": left_out, "contenders": rows}


def in_words(problem: Exception) -> str:
    return " ".join(f"{type(problem).__name__}: {problem}".split())[:200]


def _start(name: str, entry: Entry, workload: Workload, threads: int) -> Contender:
    """A fresh interpreter, not a copy of this one: `spawn`."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, entry, workload, threads), daemon=True)
    process.start()
    there.close()  # so that the line breaks when the process ends
    return Contender(name, process, here)


def _serve(line: Connection, entry: Entry, workload: Workload, threads: int) -> None:
    """The other process: get ready, then answer each number of steps with the seconds they took."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # libraries that print do not disturb the table
    try:
        peer_class = entry.load()
        imported = peak_memory()
        start = time.perf_counter()
        checked = workload.checked()
        peer, dealt = _begin(checked, peer_class, threads)
        first = losses(checked, peer, dealt, WARM_UP)
        seconds = time.perf_counter() - start
        if workload != checked:
            peer, dealt = _begin(workload, peer_class, threads)
            losses(workload, peer, dealt, WARM_UP)
        line.send((seconds, imported, first))
        while (steps := line.recv()) is not None:
            line.send(_turn(workload, peer, dealt, steps))
        on_device = peer.device_memory()
        line.send(peak_memory() if on_device is None else on_device)
    except Exception as problem:
        # In words, since the class of the problem may be unknown on the other side.
        line.send(RuntimeError(f"{type(problem).__name__}: {problem}"))


def _turn(workload: Workload, peer: Peer, dealt: Iterator[Any], steps: int) -> tuple[float, float]:
    """Images per second over some steps, fewer where they take long; and the last loss."""
    step = work(workload, peer)
    done, seconds = 0, 0.0
    start = time.perf_counter()
    while done < steps and seconds < LONGEST_TURN:
        result = step(*next(dealt))
        done += 1
        seconds = time.perf_counter() - start
    peer.wait()
    seconds = time.perf_counter() - start
    return done * workload.batch / seconds, as_loss(result)


def _begin(workload: Workload, peer_class: Callable[..., Peer], threads: int) -> tuple[Peer, Iterator[Any]]:
    peer = peer_class(workload.network, first_weights(workload.network), threads=threads)
    return peer, batches(workload, peer)


def peak_memory() -> int:
    """The most bytes of memory this process has had so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call in another process, so that this one stays small and imports no array library."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


@contextmanager
def few_processors(threads: int) -> Iterator[None]:
    """Processes started meanwhile see only so many processors; some libraries have no other setting."""
    counts = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in counts}
    os.environ.update(dict.fromkeys(counts, str(threads)))
    all_processors = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if all_processors:
        os.sched_setaffinity(0, sorted(all_processors)[:threads])
    try:
        yield
    finally:
        if all_processors:
            os.sched_setaffinity(0, all_processors)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
