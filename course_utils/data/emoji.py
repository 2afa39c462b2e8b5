"""More emoji than were drawn: things in other colours, mirrored, and two in one picture, each with its true name.

A thing with one dominant colour is painted in another and renamed ("blue apple"); two drawings at half their size stand
side by side ("cat and anchor"). A tenth of all such combinations is held out, so that a model can be asked for what it
never saw although it saw each of its words.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from course_utils.data.album import HELD_OUT, album, is_held_apart
from course_utils.data.cache import check_split
from course_utils.data.paint import COLOURS

Drawn = tuple[Tensor, list[str]]


def draw_emoji(n: int, generator: Generator, kinds: Sequence[str] = ("plain", "coloured", "pair"),
               split: str = "train") -> Drawn:
    """n pictures with their names; where the name stays true in a mirror, half are mirrored.

    Args:
        n: Pictures.
        generator: On the CPU, of every choice.
        kinds: "plain" (a drawing as it is), "coloured" ("blue banana") and "pair" ("cat and anchor"), drawn with equal
            weight for each picture; one that stands twice has twice the weight.
        split: "train" never has a held-out drawing, colour of a thing, or pair. "test" has only those; its colours and
            pairs are of training drawings, so that each of their words was seen.

    Returns:
        images (n, 3, 32, 32) float32 in [0, 1], on white, and n names.
    """
    check_split(split)
    _check_kinds(kinds)
    chosen = torch.randint(len(kinds), (n,), generator=generator)
    images, names = torch.empty(n, 3, 32, 32), [""] * n
    for kind, draw in _DRAW.items():
        places = [i for i, k in enumerate(chosen.tolist()) if kinds[k] == kind]
        if places:
            images[places], some = draw(len(places), generator, split)
            for place, name in zip(places, some, strict=True):
                names[place] = name
    return images, names


def emoji_picture(name: str) -> Tensor:
    """The picture (3, 32, 32) in [0, 1] of a name: a drawing's own, "blue apple", "cat and dog", "red cat and dog".

    Raises:
        ValueError: For a name that no drawing, colour or pair makes.
    """
    book = album()
    if name in book.index:
        return book.images[book.index[name]]
    if " and " in name:
        return _side_by_side(F.avg_pool2d(torch.stack([emoji_picture(p) for p in name.split(" and ", 1)]), 2)[None])[0]
    colour, _, thing = name.partition(" ")
    if colour not in COLOURS or thing not in book.things:
        raise ValueError(f'There is no drawing "{name}": a name is OpenMoji\'s, a colour and a thing of one colour, or '
                         'two of these with "and" between them.')
    return book.recolour([book.things[thing]], [colour])[0]


def is_held_out(name: str) -> bool:
    """Whether no training batch holds this name: an unseen drawing, or seen words in an unseen combination."""
    book = album()
    if name in book.index:
        return book.index[name] >= book.seen
    if " and " in name:
        a, b = name.split(" and ", 1)
        return is_held_out(a) or is_held_out(b) or is_held_apart(a, b)
    colour, _, thing = name.partition(" ")
    return is_held_apart(colour, thing) or colour not in COLOURS or book.things.get(thing, book.seen) >= book.seen


def emoji_names(kind: str, split: str = "train") -> list[str]:
    """All names of a kind ("plain", "coloured" or "pair") that a split can draw."""
    check_split(split)
    _check_kinds([kind])
    book = album()
    if kind == "plain":
        return book.names[:book.seen] if split == "train" else book.names[book.seen:]
    if kind == "coloured":
        return [" ".join(combination) for combination in book.combinations[split]]
    words = [(book.names[i], r) for i, r in zip(book.pairable, book.remainders, strict=True)]
    return [f"{a} and {b}" for a, r in words for b, s in words
            if a != b and ((r + s) % HELD_OUT == 0) == (split == "test")]


def _check_kinds(kinds: Sequence[str]) -> None:
    for kind in kinds or ["no kind"]:
        if kind not in _DRAW:
            raise ValueError(f"A kind of emoji is {', '.join(_DRAW)}, one at least, not {kind!r}.")


# --- one function a kind: (n, generator, split) → images (n, 3, 32, 32) and n names


def _draw_plain(n: int, generator: Generator, split: str) -> Drawn:
    book = album()
    low, high = (0, book.seen) if split == "train" else (book.seen, len(book.names))
    index = torch.randint(low, high, (n,), generator=generator)
    return _mirror(book.images[index], book.mirrors[index], generator), [book.names[i] for i in index]


def _draw_coloured(n: int, generator: Generator, split: str) -> Drawn:
    book = album()
    every = book.combinations[split]
    chosen = [every[i] for i in torch.randint(len(every), (n,), generator=generator)]
    index = [book.things[thing] for _, thing in chosen]
    images = book.recolour(index, [colour for colour, _ in chosen])
    return _mirror(images, book.mirrors[index], generator), [" ".join(c) for c in chosen]


def _draw_pairs(n: int, generator: Generator, split: str) -> Drawn:
    book = album()
    pairable, remainders = torch.tensor(book.pairable), torch.tensor(book.remainders)
    tries = torch.randint(len(pairable), (40 * n + 400, 2), generator=generator)  # far more than can be needed
    apart = remainders[tries].sum(1) % HELD_OUT == 0
    fits = (apart == (split == "test")) & (tries[:, 0] != tries[:, 1])
    index = pairable[tries[fits][:n]]  # (n, 2)
    halves = _mirror(book.halves[index].flatten(0, 1), book.mirrors[index].flatten(), generator)
    return (_side_by_side(halves.unflatten(0, (n, 2))), [f"{book.names[a]} and {book.names[b]}" for a, b in index])


_DRAW: dict[str, Callable[[int, Generator, str], Drawn]] = {
    "plain": _draw_plain, "coloured": _draw_coloured, "pair": _draw_pairs}


def _mirror(images: Tensor, allowed: Tensor, generator: Generator) -> Tensor:
    """Every second image, by chance, mirrored where its name allows it."""
    mirror = (torch.rand(len(images), generator=generator) < 0.5) & allowed
    return torch.where(mirror[:, None, None, None], images.flip(-1), images)


def _side_by_side(halves: Tensor) -> Tensor:
    """(n, 2, 3, 16, 16) → (n, 3, 32, 32) on white, left and right of the middle."""
    images = torch.ones(len(halves), 3, 32, 32)
    images[:, :, 8:24] = torch.cat(halves.unbind(1), dim=-1)
    return images
