"""CASES 67: whatever interrupts a write, the old file is intact."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tinygrad_cnn as tc
from tinygrad_cnn import _files
from tinygrad_cnn._files import atomic_write


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"old")
    return path


def _write(path, content=b"new content"):
    with atomic_write(path) as file:
        file.write(content)


def test_the_new_content_replaces_the_old_and_nothing_is_left_beside_it(old):
    _write(old)
    assert old.read_bytes() == b"new content"
    assert os.listdir(old.parent) == ["weights.bin"]


def test_a_new_file_has_the_permissions_of_any_other(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    _write(tmp_path / "atomic")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_symbolic_link_stays_a_link(old, tmp_path):
    link = tmp_path / "latest"
    link.symlink_to(old)
    _write(link)
    assert link.is_symlink()
    assert old.read_bytes() == b"new content"


def test_a_missing_folder_is_reported_in_pythons_words(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        _write(tmp_path / "nowhere" / "file")


def test_case_67_an_error_inside_the_block_leaves_the_old_file(old):
    def write_half():
        with atomic_write(old) as file:
            file.write(b"half of the new con")
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        write_half()
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == ["weights.bin"]


@pytest.mark.parametrize("stage", ["fsync", "replace"])
def test_case_67_a_failure_at_each_later_stage_leaves_the_old_file(old, monkeypatch, stage):
    def fail(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[stage], fail)
    with pytest.raises(OSError, match="no space left"):
        _write(old)
    assert old.read_bytes() == b"old"
    assert os.listdir(old.parent) == ["weights.bin"]


def test_the_content_is_on_the_disk_before_the_name_changes(old, monkeypatch):
    events = []
    fsync, replace, fsync_folder = os.fsync, Path.replace, _files._fsync_folder
    monkeypatch.setattr(os, "fsync", lambda descriptor: (events.append("fsync"), fsync(descriptor)))
    monkeypatch.setattr(Path, "replace", lambda *args: (events.append("rename"), replace(*args)))
    monkeypatch.setattr(
        _files, "_fsync_folder", lambda path: (events.append(f"folder {path.name}"), fsync_folder(path))
    )
    _write(old)
    assert events == ["fsync", "rename", f"folder {old.parent.name}", "fsync"]


SAVE_FOREVER = """
import itertools, sys
import tinygrad_cnn as tc
for number in itertools.count():
    tc.save(sys.argv[1], {"a": tc.full((300, 1000), float(number)), "b": tc.full((300, 1000), float(number))})
    print(number, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
def test_case_67_a_process_killed_while_saving_leaves_a_whole_file(tmp_path):
    path = tmp_path / "weights.safetensors"
    # Several kills, each a little later, to meet different stages of a save.
    for round_ in range(3):
        process = subprocess.Popen([sys.executable, "-c", SAVE_FOREVER, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(0.003 * (1 + round_))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        loaded = tc.load(path)
        assert loaded["a"].numpy().min() == loaded["a"].numpy().max() == loaded["b"].numpy().max()
