"""Writing files so that nobody ever sees half of one.

A file that is written in place is broken from the first byte to the last: kill the program in between, or
fill the disk, and the old content is gone while the new one is not there. So the new content goes into a
temporary file in the same folder, is forced onto the disk, and takes the name over in one step that the
operating system performs completely or not at all:

    write, fsync        the new content is on the disk, under a temporary name
    rename              the name belongs to the new content from one instant to the next
    fsync the folder    and the name itself survives a power failure
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a file for writing that replaces `path` when the block ends without an error.

    If the block raises, or the program is killed, `path` stays what it was. A symbolic link is followed:
    the file that it points to is replaced.

    Args:
        path: the file to write; its folder must exist.

    Raises:
        OSError: the file cannot be written, with Python's own message.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_write(f"{folder}/notes.txt") as file:
    ...         _ = file.write("∂L/∂x".encode())
    ...     Path(f"{folder}/notes.txt").read_text(encoding="utf-8")
    '∂L/∂x'
    """
    target = Path(path).resolve()
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with unfinished.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    _fsync_folder(target.parent)


def _fsync_folder(folder: Path) -> None:
    """Force the folder's list of names onto the disk."""
    if os.name != "posix":  # Windows does this by itself, and cannot open a folder
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
