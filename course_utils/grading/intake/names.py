"""What the name of a file tells: which notebook it is, whose, and what it was called before it was copied.

Names are compared in one form, NFC: "é" may be one character or two, and is the same letter.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from course_utils import notebooks

OTHER_ENDINGS = (".ipynb", ".py", ".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".pdf", ".html", ".htm",
                 ".json", ".txt", ".doc", ".docx", ".odt", ".md", ".rtf", ".pages", ".bak", ".download")
SEALED = (".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz")  # archives that are not opened
INSTEAD = (*SEALED, ".pdf", ".html", ".htm", ".doc", ".docx", ".odt", ".json")  # handed in where a notebook was asked
COPIED = (r"copy", r"kopie", r"copie", r"copia", r"cópia", r"kopia")  # English, German, French, Spanish and others
OF = r"(?:of|von|de|di|van|af|av)"
COPY = re.compile(rf"^(?:{'|'.join(COPIED)})(?: \(\d+\))?[ _-]+{OF}[ _-]+"
                  rf"|^(?:{'|'.join(COPIED)})[ _-]+|(?:[ _-]*\((?:\d+|{'|'.join(COPIED)})\)|"
                  rf"[ _-]+(?:{'|'.join(COPIED)})[ _-]*\d*(?: \(\d+\))?)+$", re.IGNORECASE)
NO_STUDENT = re.compile(r"(?:v\d*|ver|version|final|solved|solutions?|done|finished|completed?|fixed|corrected|draft|"
                        r"new|my|mine|the|submission|submitted|answers?|homework|hw\d*|assignment|fertig|abgabe|l(?:ö|oe)sung|"
                        r"neu)\d{0,2}", re.IGNORECASE)


def tidy(name: str) -> str:
    """A name in the form in which names are compared and shown: NFC, without blanks around it."""
    return unicodedata.normalize("NFC", name).strip()


def make_sort_key(name: str) -> list[tuple[int, int | str]]:
    """A key that sorts names as people do: Élodie before Zhang, abe before Ben, ada2 before ada10."""
    plain = unicodedata.normalize("NFKD", name).translate({ord(a): b for a, b in zip("øØłŁđĐ", "oOlLdD", strict=True)})
    letters = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    letters = letters.replace("æ", "ae").replace("œ", "oe")
    parts = [(0, int(p)) if p.isdecimal() else (1, p) for p in re.split(r"(\d{1,18})", letters) if p]
    return [*parts, (2, name)]


def strip_endings(name: str) -> str:
    """A file's name without its endings, also two or three: `ada` of `ada.ipynb.txt` and `ada.tar.gz`."""
    while (ending := next((e for e in OTHER_ENDINGS if name.lower().endswith(e)), "")) and len(name) > len(ending):
        name = name[:-len(ending)]
    return name


@cache
def _compile_names() -> re.Pattern[str]:
    """Finds a notebook of the course in a file's name, also with spaces in it or words around it."""
    names = sorted((re.escape(p.stem).replace("_", "[ _-]") for p in notebooks.sources()), key=len, reverse=True)
    return re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(names)})(?![A-Za-z0-9])", re.IGNORECASE)


def find_notebook(name: str) -> str | None:
    """The notebook that a file's name tells: `05_ddpm` for `Copy of 05_ddpm (1).ipynb`; None for none or several."""
    said = {re.sub("[ -]", "_", word).lower() for word in _compile_names().findall(name.rsplit(".", 1)[0])}
    return next((p.stem for p in notebooks.sources() if {p.stem.lower()} == said), None)


def find_student(name: str) -> str:
    """The student of a flat file: what stands before the notebook's name, or else behind it; empty where nobody is.

    Words such as "Copy of" or "final" are nobody.
    """
    bare = strip_endings(name[-300:])
    while (shorter := COPY.sub("", bare)) != bare:  # a copy of a copy
        bare = shorter
    said = _compile_names().search(bare)
    if not said:
        return "" if _is_nobody(bare) else tidy(bare)
    sides = bare[:said.start()], re.sub(r"[ _-]+\(?\d{1,2}\)?$", "", bare[said.end():])
    return next((side for side in (tidy(s.strip(" _-")) for s in sides) if not _is_nobody(side)), "")


def _is_nobody(words: str) -> bool:
    return all(NO_STUDENT.fullmatch(word) for word in re.split(r"[ _.()-]+", words) if word)
