"""What passes between the grader and a room: an id and an outcome, as plain bytes that cannot execute.

    frame   u32 length of the rest | u32 length of the header | header | payload
    header  JSON: {"id": ..., "error": ..., "message": ..., "tensors": [[name, dtype, shape], ...]}
    payload the tensors' bytes, one after the other, in the header's order

A room is run by strangers, so `unpack` believes nothing: every number has a bound, every byte is accounted for, and
the tensors that come out are dense, contiguous, on the CPU, and made here.
"""

from __future__ import annotations

import json
import math
import os
import select
import struct
from time import monotonic  # a student may put another clock into the module
from typing import Any

import torch
from torch import Tensor

from course_utils.tasks import Outcome

MAX_HEADER = 64 * 1024  # bytes
MAX_TENSORS = 256
MAX_DIMS = 16
MAX_TEXT = 2000  # characters of an exception's message

DTYPES = {str(d).removeprefix("torch."): d for d in (
    torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64,
    torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128)}


class WireError(ValueError):
    """A frame that is not one, or that did not come; the sentence says why."""


def pack(id: str, outcome: Outcome) -> bytes:
    """The frame of an outcome. TypeError for a tensor that has no plain bytes (sparse, quantised, meta)."""
    payload = [_get_bytes(name, x) for name, x in outcome.tensors.items()]
    tensors = [[name, str(x.dtype).removeprefix("torch."), list(x.shape)] for name, x in outcome.tensors.items()]
    message = outcome.message[:MAX_TEXT].encode("utf-8", "replace").decode()
    header = json.dumps({"id": id, "error": outcome.error, "message": message, "tensors": tensors}).encode()
    body = b"".join([struct.pack("<I", len(header)), header, *payload])
    return struct.pack("<I", len(body)) + body


def unpack(body: bytes) -> tuple[str, Outcome]:
    """The id and the outcome of a frame's body (all but its first four bytes); WireError where anything is wrong."""
    header, payload = _split(body)
    id, error, message = header["id"], header["error"], header["message"]
    _require(isinstance(id, str) and len(id) <= 100, "its id is no short text")
    _require(error is None or isinstance(error, str) and len(error) <= 100, "its error is no exception's name")
    _require(isinstance(message, str) and len(message) <= MAX_TEXT, "its message is no short text")
    return id, Outcome(_unpack_tensors(header["tensors"], payload), error, message)


def send(fd: int, frame: bytes, seconds: float | None = None) -> None:
    """Writes a whole frame to a pipe; TimeoutError when nobody reads it (the pipe must not block then)."""
    deadline = None if seconds is None else monotonic() + seconds
    view = memoryview(frame)
    while view:
        _wait(fd, select.POLLOUT, deadline)
        view = view[os.write(fd, view):]


def receive(fd: int, seconds: float | None, cap: int) -> bytes:
    """The body of the next frame.

    Raises:
        TimeoutError: When it is not complete after `seconds`.
        EOFError: When the pipe ends before.
        WireError: When it is longer than `cap` bytes.
    """
    deadline = None if seconds is None else monotonic() + seconds
    (length,) = struct.unpack("<I", read(fd, 4, deadline))
    if length > cap:
        raise WireError(f"The answer is {length / 2**20:.0f} MiB long, more than the {cap / 2**20:.2g} allowed.")
    return read(fd, length, deadline)


def read(fd: int, size: int, deadline: float | None) -> bytes:
    """Exactly `size` bytes, before the monotonic clock shows `deadline`; raises like `receive`."""
    data = bytearray()
    while len(data) < size:
        _wait(fd, select.POLLIN, deadline)
        try:
            chunk = os.read(fd, min(size - len(data), 1 << 20))
        except BlockingIOError:  # another reader took the bytes
            continue
        if not chunk:
            raise EOFError("The process ended without an answer.")
        data += chunk
    return bytes(data)


def _wait(fd: int, event: int, deadline: float | None) -> None:
    poll = select.poll()
    poll.register(fd, event)
    left = None if deadline is None else deadline - monotonic()
    if left is not None and left <= 0 or not poll.poll(left and left * 1000):  # also while bytes keep coming
        raise TimeoutError("Nothing came in time.")


def _get_bytes(name: str, x: Tensor) -> bytes:
    if x.layout != torch.strided or x.is_quantized or x.device.type != "cpu" or x.dtype not in DTYPES.values():
        raise TypeError(f"`{name}` should be a plain dense tensor, but it is {x.dtype}, {x.layout}, on {x.device}.")
    flat = x.detach().resolve_conj().resolve_neg().reshape(-1).clone(memory_format=torch.contiguous_format)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def _split(body: bytes) -> tuple[dict, memoryview]:
    _require(len(body) >= 4, "it is too short")
    (size,) = struct.unpack_from("<I", body)
    _require(size <= MAX_HEADER and 4 + size <= len(body), "its header is too long")
    try:
        header = json.loads(body[4:4 + size].decode(), parse_int=_parse_integer, parse_float=_refuse,
                            parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise WireError("A frame was refused: its header is no plain JSON.") from None
    _require(isinstance(header, dict) and header.keys() == {"id", "error", "message", "tensors"},
             "its header has other fields")
    return header, memoryview(body)[4 + size:]


def _unpack_tensors(specs: Any, payload: memoryview) -> dict[str, Tensor]:
    _require(isinstance(specs, list) and len(specs) <= MAX_TENSORS, "its tensors are no short list")
    tensors: dict[str, Tensor] = {}
    for spec in specs:
        _require(isinstance(spec, list) and len(spec) == 3, "a tensor is not [name, dtype, shape]")
        name, dtype, shape = spec
        _require(isinstance(name, str) and len(name) <= 100 and name not in tensors, "a tensor's name is wrong")
        _require(isinstance(dtype, str) and dtype in DTYPES, "a dtype is unknown")
        size = _count_elements(shape) * DTYPES[dtype].itemsize
        _require(size <= len(payload), "it is shorter than its tensors")
        tensors[name] = _make_tensor(payload[:size], DTYPES[dtype], shape)
        payload = payload[size:]
    _require(not payload, "it is longer than its tensors")
    return tensors


def _count_elements(shape: Any) -> int:
    """The number of elements, bounded also without the zero dimensions: a zero must not hide a huge one."""
    _require(isinstance(shape, list) and len(shape) <= MAX_DIMS, "a shape is no short list")
    _require(all(type(d) is int and d >= 0 for d in shape), "a dimension is no natural number")
    _require(math.prod(d or 1 for d in shape) < 1 << 31, "a dimension is impossible")
    return math.prod(shape)


def _make_tensor(data: memoryview, dtype: torch.dtype, shape: list[int]) -> Tensor:
    if not data:
        return torch.empty(shape, dtype=dtype)
    raw = torch.frombuffer(bytearray(data), dtype=torch.uint8)  # a writable copy of its own
    _require(dtype != torch.bool or int(raw.max()) <= 1, "a boolean is neither 0 nor 1")
    return raw.view(dtype).reshape(shape)


def _parse_integer(digits: str) -> int:
    return int(digits) if len(digits) <= 12 else _refuse(digits)


def _refuse(text: str) -> Any:
    raise ValueError(f"{text[:20]} has no place in a header")


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise WireError(f"A frame was refused: {otherwise}.")
