"""Files as they were handed in, in folders and in zip archives, read without trust.

Nothing is unpacked: an archive's members are listed, and the few that count are read into memory, each up to a cap.
So no name inside an archive ever becomes a path, and a bomb costs no more than the cap. Links are not followed.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from course_utils.grading.intake.names import SEALED

MAX_FILE = 20 << 20  # bytes of a notebook
MAX_ARCHIVE = 50 << 20  # bytes of a student's archive inside the class's archive, which is held in memory
MAX_UNPACKED = 1 << 30  # bytes that a student's archive says it holds
MAX_RATIO = 200  # a member of more than 1 MiB that is packed tighter is a bomb: a notebook reaches 20
MAX_ENTRIES = 20_000  # files that are looked at in one folder, or in the class's archive
MAX_MEMBERS = 5_000  # of a student's archive
MAX_DIRECTORY = 4 << 20  # bytes of an archive's list of members
MAX_OWN = 100  # files of a student's archive that are listed: those that lie nearest to its top
MAX_DEPTH = 8  # folders inside folders
MAX_NAME = 255  # characters of one part of a member's name, as in folders; an archive may have 65,535
MAX_OTHERS = 50  # files of other kinds of one student's folder or archive that are listed, so that they can be named
KINDS = (".ipynb", ".zip")  # of a submission
MODULE = ".py"  # a module that may go with it
CLUTTER = {"__MACOSX", "__pycache__", "site-packages", "node_modules", ".DS_Store", ".Spotlight-V100", ".Trashes",
           ".cache", ".git", ".github", ".idea", ".ipynb_checkpoints", ".ipython", ".jupyter", ".mypy_cache",
           ".pytest_cache", ".ruff_cache", ".venv", ".vscode"}  # what systems and tools leave beside one's work
HIDDEN = "is hidden, and is not looked into"


class Unreadable(ValueError):
    """What cannot be graded; the sentence is the reason in the student's row."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file, or a folder, that was handed in.

    Attributes:
        path: Its place below the submissions, for example ("ada", "05_ddpm.ipynb").
        source: The file itself, or the archive that it lies in.
        members: Its index in that archive; two indices for a file in an archive in an archive.
        time: When it was changed last, as its folder or archive says; in a student's own archive, when that was.
        told: When it was changed last as a student's own archive says, which orders what is in it and nothing else.
        own: Whether it lies in an archive that a student made.
        depth: How many folders and names, from the end of `source` on, are followed by no link.
        refused: Why it is not read, such as "is a link, which is not followed".
    """

    path: tuple[str, ...]
    source: Path
    members: tuple[int, ...] = ()
    time: datetime | None = None
    refused: str = ""
    folder: bool = False
    told: datetime | None = None
    own: bool = False
    depth: int = 0

    @property
    def name(self) -> str:
        """The last part of its place."""
        return self.path[-1] if self.path else self.source.name

    def read(self, most: int = MAX_FILE) -> bytes:
        """The content; Unreadable says in a sentence why there is none, or more than `most` bytes."""
        if self.refused:
            raise Unreadable(f"{self.name} {self.refused}.")
        if self.members:
            return _read_member(_open_archive(self, self.members[:-1]), self.members[-1], self.name, most)
        return _read_file(self, most)


def list_entries(submissions: Path) -> list[Entry]:
    """Everything that was handed in, by name: folders, files, and what lies in archives; of other kinds a few.

    Raises:
        ValueError: When there is neither such a folder nor such a zip file, or it holds too much.
    """
    if submissions.is_dir():
        found = list(_list_folder(submissions, ()))
        for entry in found:
            if not entry.path:
                raise ValueError(f"{submissions} {entry.refused}.")
        return found
    if not submissions.is_file():
        raise ValueError(f"There is no folder or zip file {submissions}.")
    return list(_list_archive(Entry((), submissions), nested=True))


# ---- listing -------------------------------------------------------------------------------------------------------


def _list_folder(folder: Path, path: tuple[str, ...]) -> Iterator[Entry]:
    try:
        with os.scandir(folder) as scanned:
            found = sorted(islice(scanned, MAX_ENTRIES + 1), key=lambda e: e.name)
    except OSError:
        yield Entry(path, folder, refused="cannot be opened", folder=True)
        return
    if len(found) > MAX_ENTRIES:
        reason = f"holds more than {MAX_ENTRIES} files, which are not all looked at"
        yield Entry(path, folder, refused=reason, folder=True)
    others = 0
    for entry in found[:MAX_ENTRIES]:
        name = os.fsencode(entry.name).decode("utf-8", "surrogateescape")  # different names stay different
        is_folder = entry.is_dir(follow_symlinks=False)
        if _is_clutter(name, is_folder):
            continue
        is_other = not is_folder and not _is_wanted(name)
        others += is_other
        if not (is_other and path and others > MAX_OTHERS):
            yield from _list_on_disk(entry, (*path, name))
    if path and others > MAX_OTHERS:
        yield Entry(path, folder, refused=_describe_others(others), folder=True)


def _describe_others(count: int) -> str:
    return f"holds {count - MAX_OTHERS} more files of other kinds"


def _list_on_disk(entry: os.DirEntry[str], path: tuple[str, ...]) -> Iterator[Entry]:
    source = Path(entry.path)
    if entry.is_symlink():
        yield Entry(path, source, refused="is a link, which is not followed", folder=not _is_wanted(path[-1]))
    elif path[-1].startswith("."):
        yield Entry(path, source, refused=HIDDEN, folder=entry.is_dir())
    elif entry.is_dir() and len(path) <= MAX_DEPTH and not path[-1].lower().endswith(".ipynb"):
        yield Entry(path, source, folder=True)
        yield from _list_folder(source, path)
    elif not entry.is_file():
        deep = entry.is_dir() and len(path) > MAX_DEPTH
        yield Entry(path, source, refused="lies too deep, and is not looked into" if deep else "is not a file")
    else:
        time = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime).astimezone()
        file = Entry(path, source, time=time, depth=len(path))
        yield from _list_archive(file) if path[-1].lower().endswith(".zip") else [file]


def _list_archive(archive: Entry, nested: bool = False) -> Iterator[Entry]:
    """What lies in an archive. `nested`: in the class's archive, where archives are students' and are looked into."""
    if archive.path:
        yield replace(archive, folder=True)
    try:
        infos = _open_archive(archive, archive.members).infolist()
        if not nested and sum(info.file_size for info in infos) > MAX_UNPACKED:
            raise Unreadable(f"{archive.name} unpacks to more than {MAX_UNPACKED >> 20} MiB.")
    except Unreadable as e:
        if not archive.path:
            raise
        yield replace(archive, refused=str(e).removeprefix(archive.name).strip(" ."), folder=True)
        return
    members = [(n, info, *_find_place(info)) for n, info in enumerate(infos)]
    members = [m for m in members if m[2] and not _lies_in_clutter(m[2], m[1].is_dir())]
    hidden = dict(_find_hidden(m[2], m[1].is_dir()) for m in members if _is_hidden(m[2]))
    for place, is_folder in sorted(hidden.items())[:MAX_OTHERS]:
        yield Entry((*archive.path, *place), archive.source, archive.members, refused=HIDDEN, folder=is_folder,
                    depth=archive.depth)
    members = [m for m in members if not _is_hidden(m[2])]
    if archive.path:  # a student's own: the files nearest to its top that may count, and a few others to name
        files = sorted((m for m in members if not m[1].is_dir()), key=lambda m: len(m[2]))
        wanted = [m for m in files if _is_wanted(m[2][-1])]
        others = [m for m in files if not _is_wanted(m[2][-1])]
        members = wanted[:MAX_OWN] + others[:MAX_OTHERS]
        if len(others) > MAX_OTHERS:
            yield replace(archive, refused=_describe_others(len(others)), folder=True)
        if len(wanted) > MAX_OWN:
            yield replace(archive, refused=f"holds more than {MAX_OWN} notebooks and modules; the deepest are left out",
                          folder=True)
    folders = {()}
    for n, info, parts, refused in members:
        for parent in (parts[:k] for k in range(len(parts) + info.is_dir())):
            if parent not in folders:
                folders.add(parent)
                yield Entry((*archive.path, *parent), archive.source, archive.members, folder=True)
        if not info.is_dir():
            entry = Entry((*archive.path, *parts), archive.source, (*archive.members, n), _read_time(info), refused,
                          depth=archive.depth)
            if archive.path:  # a student can put any time into such an archive
                entry = replace(entry, time=archive.time, told=entry.time, own=True)
            yield from _list_member(entry, nested)


def _list_member(entry: Entry, nested: bool) -> Iterator[Entry]:
    if entry.refused or not entry.name.lower().endswith(".zip"):
        yield entry
    elif nested:
        yield from _list_archive(entry)
    else:
        yield replace(entry, refused="is an archive in an archive, which is not opened")


def _find_place(info: zipfile.ZipInfo) -> tuple[tuple[str, ...], str]:
    """A member's place, without whatever leads out of the archive, and why it is not read."""
    name = info.filename.replace("\\", "/")
    parts = tuple(_shorten(p) for p in name.split("/") if p not in ("", ".", ".."))[:MAX_DEPTH]
    if name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
        return parts, "has a path that leads out of its folder"
    if stat.S_ISLNK(info.external_attr >> 16):
        return parts, "is a link, which is not followed"
    return parts, ""


def _shorten(part: str) -> str:
    """A name that is read again and again, in reasons, pages and tables; its ending says what it is."""
    return part if len(part) <= MAX_NAME else f"{part[:MAX_NAME - 41]}…{part[-40:]}"


def _read_time(info: zipfile.ZipInfo) -> datetime | None:
    try:
        return datetime(*info.date_time).astimezone()  # an archive says local time without naming a zone
    except (ValueError, OverflowError):
        return None


def _is_clutter(name: str, is_folder: bool) -> bool:
    """Whether it is no work of anybody's: dropped without a word. A hidden folder or notebook may be somebody's."""
    is_work = is_folder or name.lower().endswith(KINDS)
    return name in CLUTTER or name.startswith(("._", ".~")) or name.startswith(".") and not is_work


def _lies_in_clutter(parts: tuple[str, ...], is_folder: bool) -> bool:
    return any(_is_clutter(part, is_folder or k < len(parts)) for k, part in enumerate(parts, 1))


def _is_hidden(parts: tuple[str, ...]) -> bool:
    return any(part.startswith(".") for part in parts)


def _find_hidden(parts: tuple[str, ...], is_folder: bool) -> tuple[tuple[str, ...], bool]:
    """The outermost hidden place of a path that has one, and whether it is a folder."""
    depth = next(k for k, part in enumerate(parts, 1) if part.startswith("."))
    return parts[:depth], is_folder or depth < len(parts)


def _is_wanted(name: str) -> bool:
    return name.lower().endswith((*KINDS, *SEALED, MODULE)) or name == "timestamp.txt"


# ---- reading -------------------------------------------------------------------------------------------------------


def _open_without_links(entry: Entry) -> BinaryIO:
    """Opens an entry's source; below the submissions no link is followed, at any part, whatever was there when listed.

    Raises:
        OSError: When it is not there, or leads over a link.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    if not entry.depth:  # the class's own archive, which the instructor named
        return open(os.open(entry.source, flags), "rb")
    at = os.open(entry.source.parents[entry.depth - 1], flags | os.O_DIRECTORY)
    for n, part in enumerate(entry.source.parts[-entry.depth:], 1):
        try:
            below = os.open(part, flags | os.O_NOFOLLOW | (os.O_DIRECTORY if n < entry.depth else 0), dir_fd=at)
        finally:
            os.close(at)
        at = below
    return open(at, "rb")


def _read_file(entry: Entry, most: int) -> bytes:
    try:
        file = _open_without_links(entry)
    except OSError:
        raise Unreadable(f"{entry.name} cannot be opened.") from None
    with file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(f"{entry.name} is not a file.")
        _check_size(entry.name, status.st_size, most)
        return file.read(most)


def _open_archive(entry: Entry, members: tuple[int, ...]) -> zipfile.ZipFile:
    """The archive that an entry is or lies in, by its place in the file."""
    try:
        with _open_without_links(entry) as file:
            status = os.fstat(file.fileno())
        outermost = replace(entry, path=(entry.source.name,), members=(), time=None, told=None, own=False, refused="",
                            folder=False)
        return _open_cached(outermost, members, (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
    except OSError:
        raise Unreadable(f"{entry.name} cannot be opened.") from None
    except (zipfile.BadZipFile, struct.error, ArithmeticError, ValueError, NotImplementedError, EOFError) as e:
        told = str(e) if isinstance(e, Unreadable) else f"{entry.name} is no zip file that can be read."
        raise Unreadable(told) from None


@lru_cache(maxsize=4)
def _open_cached(entry: Entry, members: tuple[int, ...], stamp: tuple[int, ...]) -> zipfile.ZipFile:
    """An archive, ready to be read; `stamp` makes it a new one when the file has changed."""
    if not members:
        file, name = _open_without_links(entry), entry.name
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            file.close()
            raise Unreadable(f"{name} is not a file.")
    else:
        outer = _open_cached(entry, members[:-1], stamp)
        name = outer.infolist()[members[-1]].filename.rpartition("/")[2]
        file = io.BytesIO(_read_member(outer, members[-1], name, MAX_ARCHIVE))
    _check_directory(file, name, MAX_MEMBERS if members or entry.depth else MAX_ENTRIES)
    return zipfile.ZipFile(file)


def _check_directory(file: BinaryIO, name: str, most: int) -> None:
    """Refuses a list of members too long to be read, before it is: every member becomes an object of 3 KB."""
    end = zipfile._EndRecData(file)  # the record that ZipFile reads, too: that of zip64 where there is one
    if not end:
        raise Unreadable(f"{name} is no zip file, or an incomplete one.")
    size = end[zipfile._ECD_SIZE]
    at = end[zipfile._ECD_LOCATION] - size  # as ZipFile computes it; it ignores the offset that the record states
    if end[zipfile._ECD_SIGNATURE] == zipfile.stringEndArchive64:
        at -= zipfile.sizeEndCentDir64 + zipfile.sizeEndCentDir64Locator
    too_many = f"{name} lists more files than are looked at: {most}, in {MAX_DIRECTORY >> 20} MiB."
    if size > MAX_DIRECTORY or at < 0:
        raise Unreadable(too_many)
    file.seek(at)
    listed, members, place = file.read(size), 0, 0
    while place + 46 <= len(listed) and members <= most:
        lengths = struct.unpack_from("<3H", listed, place + 28)  # of the name, of what is extra, of the comment
        place, members = place + 46 + sum(lengths), members + 1
    if members > most:
        raise Unreadable(too_many)


def _read_member(archive: zipfile.ZipFile, index: int, name: str, most: int) -> bytes:
    info = archive.infolist()[index]
    if info.flag_bits & 1:
        raise Unreadable(f"{name} is encrypted.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise Unreadable(f"{name} is packed by a method that is not used here; pack it again as an ordinary zip file.")
    _check_size(name, info.file_size, most)
    if info.file_size > 1 << 20 and info.file_size > MAX_RATIO * info.compress_size:
        raise Unreadable(f"{name} unpacks to more than {MAX_RATIO} times its size.")
    try:
        with archive.open(info) as file:
            return file.read(most)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError):
        raise Unreadable(f"{name} is damaged in its archive.") from None


def _check_size(name: str, size: int, most: int) -> None:
    if size > most:
        raise Unreadable(f"{name} has {size >> 20} MiB, more than the {most >> 20} allowed.")
