"""Reads event files back, knowing only their format: length, checksum, event, checksum.

Source: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

import struct
from pathlib import Path

import pytest

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed")

from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.graph_pb2 import GraphDef
from tensorboardX.record_writer import masked_crc32c


def read_events(folder):
    """All events of a folder, file by file in the order TensorBoard reads them."""
    files = sorted(Path(folder).glob("events.out.tfevents.*"))
    assert files, f"no event file in {folder}"
    return [event for file in files for event in _records(file.read_bytes())]


def _records(content):
    while content:
        header, checksum = content[:8], content[8:12]
        (length,) = struct.unpack("<Q", header)
        data, content = content[12 : 12 + length], content[12 + length :]
        assert struct.pack("<I", masked_crc32c(header)) == checksum
        assert struct.pack("<I", masked_crc32c(data)) == content[:4]
        content = content[4:]
        yield Event.FromString(data)


def read_graph(folder):
    """The nodes of the newest graph of a folder, by name."""
    *_, newest = [event.graph_def for event in read_events(folder) if event.HasField("graph_def")]
    nodes = GraphDef.FromString(newest).node
    assert len({node.name for node in nodes}) == len(nodes)
    return {node.name: node for node in nodes}


def read_values(folder):
    """What a folder's summaries hold: tag -> [(step, value), ...]"""
    values = {}
    for event in read_events(folder):
        for value in event.summary.value:
            content = getattr(value, value.WhichOneof("value"))
            values.setdefault(value.tag, []).append((event.step, content))
    return values
