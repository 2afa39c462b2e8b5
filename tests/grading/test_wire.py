"""Frames come through whole, and every kind of hostile frame is refused."""

import json
import os
import struct
import threading
import time

import pytest
import torch

from course_utils.grading.rooms import wire
from course_utils.tasks import Outcome


def body(header: object, payload: bytes = b"") -> bytes:
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<I", len(raw)) + raw + payload


def header(*tensors: list, **other: object) -> dict:
    return {"id": "a.b", "error": None, "message": "", "tensors": list(tensors)} | other


def test_what_is_taken_away_before_it_is_read_is_waited_for_no_longer_than_allowed(monkeypatch):
    here, there = os.pipe()
    os.set_blocking(here, False)
    wait, seen = wire._wait, []
    monkeypatch.setattr(wire, "_wait", lambda *a: wait(*a) if seen else seen.append("a byte that is gone"))
    with pytest.raises(TimeoutError):
        wire.receive(here, 0.05, 10)
    assert seen
    os.close(here), os.close(there)


@pytest.mark.parametrize("name", wire.DTYPES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 3), (2, 3, 4)])
def test_every_dtype_and_shape_comes_through(name, shape):
    x = (torch.rand(shape) * 100).to(wire.DTYPES[name])
    id, outcome = wire.unpack(wire.pack("a.b", Outcome({"x": x}, "ValueError", "what?"))[4:])
    assert (id, outcome.error, outcome.message) == ("a.b", "ValueError", "what?")
    assert outcome.tensors["x"].dtype == x.dtype and torch.equal(outcome.tensors["x"], x)


def test_what_comes_out_is_dense_whatever_went_in():
    base = torch.arange(12.0).reshape(3, 4)
    sent = {"t": base.t(), "expanded": base[:1].expand(3, 4), "conj": torch.tensor([1 + 2j]).conj(),
            "grad": base.clone().requires_grad_(), "one": torch.tensor(3.0).expand(1), "stride": base[:, 0]}
    _, outcome = wire.unpack(wire.pack("a.b", Outcome(sent))[4:])
    for name, x in outcome.tensors.items():
        assert torch.equal(x, sent[name]) and x.is_contiguous() and not x.is_conj() and not x.requires_grad


@pytest.mark.parametrize("x", [torch.eye(2).to_sparse(), torch.empty(2, device="meta")], ids=["sparse", "meta"])
def test_tensors_without_plain_bytes_are_not_packed(x):
    with pytest.raises(TypeError, match="plain dense tensor"):
        wire.pack("a.b", Outcome({"x": x}))


HOSTILE = {
    "huge dimension": body(header(["x", "float32", [1 << 40]])),
    "negative dimension": body(header(["x", "float32", [-1]])),
    "two negative dimensions": body(header(["x", "float32", [-2, -2]]), bytes(16)),
    "float dimension": body(header(["x", "float32", [1.0]]), bytes(4)),
    "boolean dimension": body(header(["x", "float32", [True]]), bytes(4)),
    "text dimension": body(header(["x", "float32", ["1"]]), bytes(4)),
    "product that overflows": body(header(["x", "uint8", [1 << 11] * 6]), bytes(4)),
    "zero that hides a huge one": body(header(["x", "float32", [0, 1 << 20, 1 << 20]])),
    "many dimensions": body(header(["x", "uint8", [1] * 17]), bytes(1)),
    "short payload": body(header(["x", "float32", [2]]), bytes(7)),
    "long payload": body(header(["x", "float32", [2]]), bytes(9)),
    "payload without a tensor": body(header(), bytes(1)),
    "boolean byte of 2": body(header(["x", "bool", [2]]), b"\x01\x02"),
    "unknown dtype": body(header(["x", "object", [1]]), bytes(8)),
    "quantised dtype": body(header(["x", "qint8", [1]]), bytes(1)),
    "dtype that is an attribute": body(header(["x", "__class__", [1]]), bytes(4)),
    "two tensors of one name": body(header(["x", "uint8", [1]], ["x", "uint8", [1]]), bytes(2)),
    "many tensors": body(header(*([str(i), "uint8", [0]] for i in range(257)))),
    "spec of four": body(header(["x", "uint8", [1], 0]), bytes(1)),
    "id that is a number": body(header(id=7)),
    "long id": body(header(id="i" * 101)),
    "error that is a list": body(header(error=[])),
    "long message": body(header(message="m" * 2001)),
    "another field": body(header(score=11)),
    "missing field": body({"id": "a.b"}),
    "list for a header": body([]),
    "NaN": body(b'{"id": "a.b", "error": null, "message": "", "tensors": [["x", "uint8", [NaN]]]}'),
    "infinity": body(b'{"id": "a.b", "error": null, "message": "", "tensors": -Infinity}'),
    "deep JSON": body(b"[" * 60_000),
    "5,000 digits": body(b'{"id": "a.b", "error": null, "message": "", "tensors": [["x", "uint8", [%s]]]}'
                         % (b"9" * 5000)),
    "not UTF-8": body(b"\xff\xfe{}"),
    "pickle": body(b"\x80\x04\x95cos\nsystem\n"),
    "long header": body(b" " * (wire.MAX_HEADER + 1)),
    "header longer than the frame": struct.pack("<I", 100) + b"{}",
    "nothing": b"",
}


@pytest.mark.parametrize("frame", HOSTILE.values(), ids=HOSTILE)
def test_hostile_frames_are_refused(frame):
    with pytest.raises(wire.WireError, match="A frame was refused"):
        wire.unpack(frame)


def test_a_frame_that_comes_in_pieces_is_read_and_what_follows_is_left():
    reading, writing = os.pipe()
    frame = wire.pack("a.b", Outcome({"x": torch.rand(200_000)}))
    sender = threading.Thread(target=lambda: [wire.send(writing, frame[i:i + 100_001])
                                              for i in range(0, len(frame), 100_001)] and os.write(writing, b"more"))
    sender.start()
    assert wire.receive(reading, 5, 1 << 20) == frame[4:]
    assert os.read(reading, 10) == b"more"
    sender.join()


def test_lengths_and_times_are_bounded():
    reading, writing = os.pipe()
    os.write(writing, struct.pack("<I", 1 << 31))
    with pytest.raises(wire.WireError, match="more than the 1 allowed"):
        wire.receive(reading, 1, 1 << 20)
    os.write(writing, struct.pack("<I", 10) + b"half")
    start = time.monotonic()
    with pytest.raises(TimeoutError):
        wire.receive(reading, 0.2, 1 << 20)
    assert time.monotonic() - start < 1
    os.close(writing)
    with pytest.raises(EOFError):
        wire.receive(reading, 1, 1 << 20)


def test_bytes_that_keep_coming_do_not_move_the_deadline():
    reading, writing = os.pipe()
    os.write(writing, struct.pack("<I", 4) + b"late")
    with pytest.raises(TimeoutError):
        wire.receive(reading, 0, 1 << 20)


def test_a_pipe_that_nobody_reads_does_not_hold_the_sender():
    _, writing = os.pipe()
    os.set_blocking(writing, False)
    with pytest.raises(TimeoutError):
        wire.send(writing, bytes(1 << 20), 0.2)
