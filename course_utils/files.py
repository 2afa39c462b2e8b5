"""Files that are there whole or not at all, and tensors in them that are what was written.

`with writing(path) as part:` is the one place that writes whole files; `write` and `write_tensors` stand on it, and
`read_tensors` gives back what `write_tensors` was given, or says why it cannot.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

try:
    import fcntl
except ImportError:  # Windows, where nothing is locked
    fcntl = None

if TYPE_CHECKING:
    from torch import Tensor

FULL = {errno.ENOSPC, errno.EDQUOT}


@contextlib.contextmanager
def writing(path: Path, mode: int = 0o666) -> Iterator[Path]:
    """A new file beside `path`, which takes its place when the block is left without an error: the only such place.

    A reader sees the old file or the new one, also after a crash, and of two writers the later one stays. Folders are
    made. A device, such as /dev/null, is written to itself.

    Args:
        path: The file.
        mode: Who may read it, less what the umask takes away.

    Raises:
        OSError: It could not be written: why, and how to go on, in a sentence.
    """
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        yield path
        return
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            allowed = os.fstat(file.fileno()).st_mode & 0o777
        yield part
        part.chmod(allowed)  # some writers make the file anew
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as e:
        if e.filename is not None and Path(os.fsdecode(e.filename)) not in (part, path, *path.parents):
            raise  # of another file that was read meanwhile
        raise OSError(_explain(path, e)) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _explain(path: Path, e: OSError) -> str:
    if e.errno in FULL:
        return f"{path} could not be written: the disk is full. What was there is kept: free some space, and repeat."
    return f"{path} could not be written ({(e.strerror or str(e)).lower()})."


def write(path: Path, content: str | bytes, mode: int = 0o666) -> None:
    """Writes a whole file as `writing` does; a text in UTF-8, with ? for what is no character."""
    with writing(path, mode) as part:
        part.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)


def write_tensors(path: Path, tensors: dict[str, Tensor], about: dict[str, Any]) -> None:
    """Writes a safetensors file as `writing` does; the same content gives the same bytes.

    Args:
        path: The file.
        tensors: Of any device.
        about: What is told of them, in plain values; their digest is added as `sha256`.
    """
    from safetensors.torch import save

    tensors = {name: x.detach().cpu().contiguous() for name, x in tensors.items()}
    course = json.dumps(about | {"sha256": digest(tensors)}, sort_keys=True)
    write(path, save(tensors, {"course": course}))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file that `write_tensors` wrote, and what it tells of them. Reading never runs code from it.

    Raises:
        OSError: There is no such file, or it cannot be read.
        ValueError: It is not what was written.
    """
    from safetensors import SafetensorError, safe_open

    about = read_about(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError:
        raise _describe_damage(path) from None
    if digest(tensors) != about.get("sha256"):
        raise _describe_damage(path)
    return tensors, about


def read_about(path: Path) -> dict[str, Any]:
    """What such a file tells of its tensors, without reading them, and without torch; errors as of `read_tensors`."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            header = file.read(min(int.from_bytes(file.read(8), "little"), size))
    except OSError as e:
        kind = FileNotFoundError if isinstance(e, FileNotFoundError) else OSError
        raise kind(f"{path} cannot be read ({(e.strerror or str(e)).lower()}).") from None
    try:
        return dict(json.loads(json.loads(header)["__metadata__"]["course"]))
    except (ValueError, KeyError, TypeError):
        raise _describe_damage(path) from None


def _describe_damage(path: Path) -> ValueError:
    return ValueError(f"{path} is damaged: it does not hold what was written.")


def digest(tensors: dict[str, Tensor]) -> str:
    """sha256 over names, dtypes, shapes and bytes, in the order of the names."""
    import torch

    sha = hashlib.sha256()
    for name in sorted(tensors):
        x = tensors[name]
        sha.update(f"{name} {x.dtype} {tuple(x.shape)}".encode())
        x = x.clone(memory_format=torch.contiguous_format).reshape(-1)  # a side of length 1 may have any stride
        sha.update(x.view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


@contextlib.contextmanager
def lock(path: Path, wait: float | None = 0) -> Iterator[None]:
    """Holds a lock file as long as the block, or the process, lasts, however that ends.

    Args:
        path: The file, which is gone afterwards.
        wait: Seconds to wait for another process that holds it; None waits until that lets go.

    Raises:
        BlockingIOError: Another process still holds it.
    """
    if fcntl is None:
        yield
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with _open_locked(path, wait):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _open_locked(path: Path, wait: float | None) -> IO[str]:
    """The open lock file, once this process alone holds it."""
    begin = time.monotonic()
    while True:
        with contextlib.ExitStack() as opened:
            file = opened.enter_context(path.open("w"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if wait is not None and time.monotonic() - begin >= wait:
                    raise
                time.sleep(0.1)
                continue
            with contextlib.suppress(FileNotFoundError):  # its holder may have removed it after it was opened here
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    opened.pop_all()
                    return file
