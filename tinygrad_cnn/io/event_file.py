"""Event files: what TensorBoard reads.

    logs/train/events.out.tfevents.1763721000.host...     a list of events, one after the other

Each event is a protocol buffer with the time, the step, and one thing to show: a number for a curve, a
histogram, a picture, a graph. TensorBoard reads every such file below the folder it is started on; each
folder with one in it is a "run" with a colour and a name of its own.

The library tensorboardX knows the protocol buffers and the framing of the file (lengths and checksums).
Events are written by the caller's own thread, so that a full disk is an error there and then.

Source: https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_cnn.errors import OptionalDependencyError

BINS = 64  # of a histogram


def tensorboardx() -> Any:
    """The library, imported when it is needed: it takes as long as all of this package.

    Raises:
        OptionalDependencyError: it is not installed; says how to install it.

    >>> tensorboardx().__name__
    'tensorboardX'
    """
    try:
        import PIL.Image  # noqa: F401  (tensorboardX draws with it, and does not ask for it)
        import tensorboardX
        import tensorboardX.event_file_writer
        import tensorboardX.summary
    except ImportError as error:
        raise OptionalDependencyError(
            "TensorBoard's files are written with tensorboardX",
            got=str(error),
            hint="pip install 'tinygrad-cnn[tensorboard]'",
        ) from error
    return tensorboardX


class EventFile:
    """A new event file in a folder, to be closed when all is said.

    Args:
        folder: made if it does not exist.
        first_step: TensorBoard forgets what earlier files of this folder hold of this step and later ones:
            a run that is taken up again replaces what was lost with it. By default nothing is forgotten.

    Raises:
        OptionalDependencyError: tensorboardX is not installed.
        OSError: the folder or the file cannot be written, with Python's own message.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     events = EventFile(folder)
    ...     events.scalar("loss", 0.5, step=1)
    ...     events.close()
    ...     [path.name.split(".")[:3] for path in Path(folder).iterdir()]
    [['events', 'out', 'tfevents']]
    """

    def __init__(self, folder: str | os.PathLike[str], *, first_step: int | None = None) -> None:
        self._library = tensorboardx()
        Path(folder).mkdir(parents=True, exist_ok=True)
        # The library names a file by the second; two of one second must not be the same.
        self._writer = self._library.event_file_writer.EventsWriter(
            str(Path(folder, "events")), filename_suffix=f".{time.time_ns()}"
        )
        if first_step is not None:
            start = self._library.proto.event_pb2.SessionLog(
                status=self._library.proto.event_pb2.SessionLog.START
            )
            self._write(first_step, session_log=start)

    def scalar(self, tag: str, value: float, step: int) -> None:
        """A point of the curve `tag`."""
        self._write(step, summary=self._library.summary.scalar(tag, value))

    def histogram(self, tag: str, values: NDArray[Any], step: int) -> None:
        """How often which value occurs; those that are not finite are left out."""
        finite = values[np.isfinite(values)]
        if finite.size:
            self._write(step, summary=self._library.summary.histogram(tag, finite, BINS))

    def image(self, tag: str, pixels: NDArray[Any], step: int, *, description: str = "") -> None:
        """A picture.

        Args:
            pixels: (height, width, 3), uint8.
            description: what TensorBoard says about all pictures of this tag (Markdown).
        """
        summary = self._library.summary.image(tag, pixels, dataformats="HWC")
        metadata = summary.value[0].metadata
        metadata.summary_description, metadata.plugin_data.plugin_name = description, "images"
        self._write(step, summary=summary)

    def graph(self, definition: Any) -> None:
        """A graph, as a `GraphDef`; TensorBoard shows the newest of a folder."""
        self._write(0, graph_def=definition.SerializeToString())

    def flush(self) -> None:
        """Let TensorBoard see everything so far."""
        self._writer.flush()

    def close(self) -> None:
        """Write what is left, and let go of the file."""
        self._writer.close()

    def _write(self, step: int, **what: Any) -> None:
        event = self._library.proto.event_pb2.Event(wall_time=time.time(), step=step, **what)
        self._writer.write_event(event)
