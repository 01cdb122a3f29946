"""Fetching one file from the first mirror that has it, checked before it gets its name.

A download goes into a folder that vanishes on success and on failure alike. Only a file that was
read to its end as IDX and has the right SHA-256 is renamed into place, so whatever stands under the
final name is whole: a lost connection, a captive portal's login page or a full disk leave nothing behind.
"""

from __future__ import annotations

import logging
import tempfile
import textwrap
from collections.abc import Iterable
from pathlib import Path

import pooch

from tinygrad_cnn.data.idx import read_idx
from tinygrad_cnn.errors import DownloadError, FileFormatError

_log = logging.getLogger(__name__)

# Seconds to wait for a connection, and for the next bytes on it.
_TIMEOUT = (10, 30)


def download_idx(path: Path, mirrors: Iterable[str], *, sha256: str, hint: str) -> None:
    """Fetch the IDX file called `path.name` from one of the mirrors into `path`.

    Args:
        path: where the file goes; folders are made as needed.
        mirrors: addresses of folders, tried in order.
        sha256: of the unpacked file.
        hint: what a person can do when no mirror helps.

    Raises:
        DownloadError: no mirror gave the right file; says what happened at each.
    """
    failures = []
    for mirror in mirrors:
        url = f"{mirror}/{path.name}"
        _log.info("downloading %s", url)
        try:
            _fetch(url, path, sha256)
            return
        except FileFormatError as error:
            failures.append(f"{url} gave a wrong file: {error.got}")
        except OSError as error:
            failures.append(f"{url} gave no file: {textwrap.shorten(str(error), 150)}")
    raise DownloadError(
        f"{path.name} is not on this machine and could not be downloaded",
        expected=f"the file in {path.parent}, or an answer from a mirror",
        got="; ".join(failures),
        hint=hint,
    )


def _fetch(url: str, path: Path, sha256: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="unfinished-") as folder:
        unfinished = Path(folder) / path.name
        pooch.HTTPDownloader(chunk_size=1 << 16, timeout=_TIMEOUT)(url, str(unfinished), None)
        read_idx(unfinished, sha256=sha256)
        unfinished.replace(path)
