"""Where in the *user's* code something happened.

An operation is recorded deep inside the library, but the line a person wants to see is their own.
`user_frame` walks up the call stack to the first frame outside this package; `SourceLine` keeps only
the code object and the instruction offset (two pointers) and reads the file when it is shown.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import sys
from pathlib import Path
from types import CodeType, FrameType, ModuleType

LONGEST_SHOWN = 100  # characters of a source line in a message
# What no user has written: this package, backends once they are loaded, Python's own modules around them.
_libraries = [f"{Path(__file__).parent}{os.sep}", contextlib.__file__, "<frozen "]
# One look at a file name per code object instead of one per recorded operation.
_is_ours: dict[CodeType, bool] = {}


class SourceLine:
    """A place in the user's code; file, line and text are looked up only when asked for."""

    __slots__ = ("_code", "_offset")

    def __init__(self, code: CodeType, offset: int) -> None:
        self._code = code
        self._offset = offset

    @property
    def filename(self) -> str:
        return self._code.co_filename

    @property
    def function(self) -> str:
        return self._code.co_qualname

    @property
    def line(self) -> int:
        positions = list(self._code.co_positions())
        line = positions[self._offset // 2][0]
        return self._code.co_firstlineno if line is None else line

    @property
    def text(self) -> str:
        """The line itself, or an empty string when its file cannot be read."""
        return linecache.getline(self.filename, self.line).strip()

    def __str__(self) -> str:
        cell = _cell(self.filename)
        place = f"{cell}, line {self.line}" if cell else f"{Path(self.filename).name}:{self.line}"
        text = self.text
        if len(text) > LONGEST_SHOWN:
            text = text[:LONGEST_SHOWN] + " …"
        return f"{place}: {text}" if text else place

    def __repr__(self) -> str:
        return f"SourceLine({self})"


def _cell(filename: str) -> str:
    """The cell of a notebook that a file name stands for, as tracebacks call it; "" outside of notebooks."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    # IPython 7, which Colab has, cannot tell; its file names are readable by themselves.
    name_of = getattr(getattr(shell, "compile", None), "format_code_name", None)
    return " ".join(name_of(filename) or ()) if name_of is not None else ""


def is_library_frame(frame: FrameType) -> bool:
    """True for frames that are no line of the user's: the library's own, its backends', and Python's modules.

    Examples in docstrings count as the user's.
    """
    code = frame.f_code
    ours = _is_ours.get(code)
    if ours is None:
        ours = _is_ours[code] = code.co_filename.startswith(tuple(_libraries))
    return ours


def add_library(module: ModuleType) -> None:
    """From now on, lines of this module, or of the package that it is in, are not the user's."""
    package = sys.modules.get(module.__package__ or "", module)
    if file := getattr(package, "__file__", None):  # what is built into Python has none
        _libraries.append(f"{Path(file).parent}{os.sep}" if Path(file).name == "__init__.py" else file)
        _is_ours.clear()


def user_frame(depth: int = 1) -> FrameType | None:
    """The nearest calling frame that is not the library's own, or None."""
    frame: FrameType | None = sys._getframe(depth)
    while frame is not None and (_is_ours.get(frame.f_code) or is_library_frame(frame)):
        frame = frame.f_back
    return frame


def user_line(depth: int = 1) -> SourceLine | None:
    """The user's line that led here, or None when there is none (the library's own command line)."""
    frame = user_frame(depth + 1)
    return None if frame is None else SourceLine(frame.f_code, frame.f_lasti)


def user_stacklevel() -> int:
    """The `stacklevel` with which a warning of the calling function points at the user's line."""
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and is_library_frame(frame):
        level, frame = level + 1, frame.f_back
    return level
