"""Zip files and folders from strangers: listed and read under caps, nothing unpacked, every refusal a sentence."""

import io
import os
import random
import struct
import zipfile

import pytest

from course_utils.grading.intake import archives
from course_utils.grading.intake.archives import Unreadable, list_entries


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    """A zip of (name or ZipInfo, content) pairs, as bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def as_link(name):
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o120777 << 16
    return info


def encrypted(content):
    """The archive with the mark that its members are encrypted."""
    content = bytearray(content)
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        at = content.find(mark)
        content[at + flags] |= 1
    return bytes(content)


def told(tmp_path, archive, path="in.zip"):
    """What each notebook in an archive reads as, or why it does not."""
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_bytes(archive)
    found = {}
    for entry in list_entries(tmp_path / path):
        if not entry.folder or entry.refused:
            try:
                found["/".join(entry.path)] = entry.read()
            except Unreadable as e:
                found["/".join(entry.path)] = str(e)
    return found


ZEROS = bytes(21 << 20)
LEADS_OUT = "a.ipynb has a path that leads out of its folder."
TABLE = {
    "plain": (zipped(("ada/a.ipynb", b"1"), ("ada/picture.png", b"2")), {"ada/a.ipynb": b"1", "ada/picture.png": b"2"}),
    "up": (zipped(("ada/../../a.ipynb", b"1")), {"ada/a.ipynb": LEADS_OUT}),
    "root": (zipped(("/etc/a.ipynb", b"1")), {"etc/a.ipynb": LEADS_OUT}),
    "drive": (zipped(("C:\\x\\a.ipynb", b"1")), {"C:/x/a.ipynb": LEADS_OUT}),
    "link": (zipped((as_link("a.ipynb"), b"/etc/passwd")), {"a.ipynb": "a.ipynb is a link, which is not followed."}),
    "encrypted": (encrypted(zipped(("a.ipynb", b"1"))), {"a.ipynb": "a.ipynb is encrypted."}),
    "large": (zipped(("a.ipynb", ZEROS)), {"a.ipynb": "a.ipynb has 21 MiB, more than the 20 allowed."}),
    "bomb": (zipped(("a.ipynb", ZEROS[:19 << 20])), {"a.ipynb": "a.ipynb unpacks to more than 200 times its size."}),
    "method": (zipped(("a.ipynb", b"1"), method=zipfile.ZIP_LZMA), {
        "a.ipynb": "a.ipynb is packed by a method that is not used here; pack it again as an ordinary zip file."}),
    "case": (zipped(("a/A.ipynb", b"1"), ("A/a.ipynb", b"2")), {"a/A.ipynb": b"1", "A/a.ipynb": b"2"}),
    "clutter": (zipped(("__MACOSX/ada/a.ipynb", b"1"), ("ada/.ipynb_checkpoints/a.ipynb", b"2")), {}),
    "in-zip": (zipped(("ada/w.zip", zipped(("x/a.ipynb", b"1")))), {"ada/w.zip/x/a.ipynb": b"1"}),
    "nested": (zipped(("ada/w.zip", zipped(("x/v.zip", zipped(("a.ipynb", b"1")))))), {
        "ada/w.zip/x/v.zip": "v.zip is an archive in an archive, which is not opened."}),
    "no-zip": (zipped(("ada/w.zip", b"hello"), ("ben/a.ipynb", b"1")), {
        "ada/w.zip": "w.zip is no zip file, or an incomplete one.", "ben/a.ipynb": b"1"}),
    "thousands": (zipped(("ada/w.zip", zipped(*((f"{i}" * 40, b"") for i in range(21_000))))), {
        "ada/w.zip": "w.zip lists more files than are looked at: 5000, in 4 MiB."}),
}


@pytest.mark.parametrize("case", TABLE)
def test_what_an_archive_holds_is_read_or_refused(tmp_path, case):
    archive, wanted = TABLE[case]
    assert told(tmp_path, archive) == wanted
    assert sorted(os.listdir(tmp_path)) == ["in.zip"]  # nothing is unpacked


def test_an_archive_that_says_that_it_holds_a_gigabyte_is_refused(tmp_path):
    inner = bytearray(zipped(("a.ipynb", b"1")))
    at = inner.find(b"PK\1\2")
    inner[at + 24:at + 28] = struct.pack("<I", 1025 << 20)
    assert told(tmp_path, zipped(("ada/w.zip", bytes(inner)))) == {"ada/w.zip": "w.zip unpacks to more than 1024 MiB."}


def test_a_name_that_is_no_utf8_refuses_its_archive_alone(tmp_path):
    inner = zipped(("é.ipynb", b"1")).replace("é".encode(), b"\xff\xfe")
    found = told(tmp_path, zipped(("ada/w.zip", inner), ("ben/a.ipynb", b"1")))
    assert found == {"ada/w.zip": "w.zip is no zip file that can be read.", "ben/a.ipynb": b"1"}


def test_what_is_no_zip_at_all_is_one_sentence(tmp_path):
    (tmp_path / "x.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match="x.zip is no zip file"):
        list_entries(tmp_path / "x.zip")
    with pytest.raises(ValueError, match="no folder or zip file"):
        list_entries(tmp_path / "missing")


def test_a_folder_with_links_pipes_and_closed_rooms(tmp_path):
    (tmp_path / "in/ada").mkdir(parents=True)
    (tmp_path / "in/ada/a.ipynb").write_bytes(b"1")
    (tmp_path / "in/link").symlink_to("/etc")
    (tmp_path / "in/ada/b.ipynb").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "in/ada/c.ipynb")
    os.mkfifo(tmp_path / "in/ada/d.zip")
    (tmp_path / "in/ada/e.zip").write_bytes(zipped(("x/a.ipynb", b"2")))
    (tmp_path / "in/ada/f.ipynb").mkdir()
    found = {"/".join(e.path): e for e in list_entries(tmp_path / "in")}
    assert {path: e.refused for path, e in found.items()} == {
        "ada": "", "ada/a.ipynb": "", "ada/b.ipynb": "is a link, which is not followed", "ada/c.ipynb": "is not a file",
        "ada/d.zip": "is not a file", "ada/e.zip": "", "ada/e.zip/x": "", "ada/e.zip/x/a.ipynb": "",
        "ada/f.ipynb": "is not a file", "link": "is a link, which is not followed"}
    assert found["ada/e.zip/x/a.ipynb"].read() == b"2"


def test_a_file_that_became_a_link_is_not_read(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.ipynb").write_bytes(b"1")
    (entry,) = list_entries(tmp_path / "in")
    (tmp_path / "in/a.ipynb").unlink()
    (tmp_path / "in/a.ipynb").symlink_to("/etc/passwd")
    with pytest.raises(Unreadable, match=r"^a.ipynb cannot be opened\.$"):
        entry.read()


@pytest.mark.parametrize("name", ["a.ipynb", "w.zip"])
def test_a_folder_that_became_a_link_is_not_entered(tmp_path, name):
    for student, content in (("ada", b"1"), ("ben", b"22")):
        (tmp_path / "in" / student / "x").mkdir(parents=True)
        held = zipped(("a.ipynb", content)) if name == "w.zip" else content
        (tmp_path / "in" / student / "x" / name).write_bytes(held)
    ada, ben = (e for e in list_entries(tmp_path / "in") if e.name == "a.ipynb")
    (tmp_path / "in/ada").rename(tmp_path / "gone")
    (tmp_path / "in/ada").symlink_to("ben")
    assert ben.read() == b"22"
    with pytest.raises(Unreadable, match="a.ipynb cannot be opened"):
        ada.read()


@pytest.mark.parametrize("zip64", [False, True])
def test_members_are_counted_before_they_become_objects(tmp_path, monkeypatch, zip64):
    archive = zipped(*((f"{i}.ipynb", b"") for i in range(21)))
    if zip64:  # whose end is found in a record of its own, and said in the old one to be elsewhere
        at = archive.rfind(b"PK\5\6")
        size, offset = struct.unpack_from("<LL", archive, at + 12)
        end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 21, 21, size, offset)
        old = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
        archive = archive[:at] + end + struct.pack("<4sLQL", b"PK\6\7", 0, at, 1) + old
    assert len(told(tmp_path, archive)) == 21
    monkeypatch.setattr(archives, "MAX_ENTRIES", 20)
    monkeypatch.setattr(zipfile, "ZipInfo", None)
    archives._open_cached.cache_clear()
    with pytest.raises(Unreadable, match="in.zip lists more files than are looked at"):
        told(tmp_path, archive)


def test_of_a_students_archive_the_nearest_files_are_listed_and_no_more(tmp_path):
    """So a thousand hostile archives take no more memory than a thousand honest ones."""
    deep = [(f"env/{i}/x.py", b"") for i in range(archives.MAX_OWN + 500)]
    notebooks = [(f"{i}.ipynb", b"1") for i in range(archives.MAX_OWN + 1)]
    (tmp_path / "in").mkdir()
    for name, members in {"ada": [*deep, ("work/a.ipynb", b"1")], "ben": notebooks, "eve": [*notebooks, *deep]}.items():
        (tmp_path / f"in/{name}.zip").write_bytes(zipped(*members))
    found = list_entries(tmp_path / "in")
    for name in ("ada.zip", "ben.zip", "eve.zip"):
        own = [e for e in found if e.path[0] == name]
        files = [e for e in own if not e.folder]
        assert len(files) == archives.MAX_OWN and len(own) <= 3 * archives.MAX_OWN
        (refused,) = [e.refused for e in own if e.refused]
        assert refused == "holds more than 100 notebooks and modules; the deepest are left out"
    assert any(e.path == ("ada.zip", "work", "a.ipynb") for e in found)


def test_a_class_may_hold_more_than_a_student(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_MEMBERS", 2)
    assert len(told(tmp_path, zipped(*((f"{i}/a.ipynb", b"1") for i in range(3))))) == 3
    assert told(tmp_path, zipped(("ada/w.zip", zipped(*((f"{i}.ipynb", b"1") for i in range(3)))))) == {
        "ada/w.zip": "w.zip lists more files than are looked at: 2, in 4 MiB."}


def test_an_archive_that_has_changed_is_read_anew(tmp_path):
    assert told(tmp_path, zipped(("a.ipynb", b"1"))) == {"a.ipynb": b"1"}
    assert told(tmp_path, zipped(("a.ipynb", b"22"))) == {"a.ipynb": b"22"}


def test_a_folder_too_deep_or_too_full_ends_somewhere(tmp_path, monkeypatch):
    deep = tmp_path / "in" / "/".join("abcdefghijkl")
    deep.mkdir(parents=True)
    (deep / "a.ipynb").write_bytes(b"1")
    last = max(list_entries(tmp_path / "in"), key=lambda e: len(e.path))
    assert (len(last.path), last.refused) == (archives.MAX_DEPTH + 1, "lies too deep, and is not looked into")
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    for i in range(5):
        (tmp_path / f"in/{i}.ipynb").write_bytes(b"1")
    with pytest.raises(ValueError, match="in holds more than 3 files"):  # nobody may be left out unseen
        list_entries(tmp_path / "in")
    assert "more than 3 files" in next(e.refused for e in list_entries(tmp_path) if e.path == ("in",) and e.refused)


def test_bytes_changed_by_chance_never_raise_anything_else(tmp_path):
    draw = random.Random(0)
    whole = zipped(("ada/a.ipynb", b"12345" * 50), ("ben/w.zip", zipped(("a.ipynb", b"1"))))
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(draw.randrange(1, 6)):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        try:
            found = told(tmp_path, bytes(broken[:draw.choice([len(broken), draw.randrange(len(broken))])]))
        except Unreadable as e:  # the class's own archive
            found = {"": str(e)}
        assert all(isinstance(said, bytes) or said.endswith(".") for said in found.values())
