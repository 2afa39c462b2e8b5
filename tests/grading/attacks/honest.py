"""Honest work in odd clothes: it has full marks."""

from __future__ import annotations

import textwrap

import nbformat
from grading.attacks.suite import FULL, Family, Piece
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_utils.grading.rooms.limits import Limits


def code(nb, text):
    """The code cell in which `text` stands."""
    return next(c for c in nb.cells if c.cell_type == "code" and text in c.source)


def stripped(nb):
    """As another editor leaves it: no metadata, no ids."""
    for cell in nb.cells:
        cell.metadata = nbformat.NotebookNode()
        cell.pop("id", None)
    nb.metadata, nb.nbformat_minor = nbformat.NotebookNode(), 4


def stripped_and_left_on(nb):
    """Besides, the switch for the long training is on, and a demo cell was edited into a loop that does not end."""
    left_on(nb)
    demos = [c for c in nb.cells if "demo" in c.metadata.get("tags", [])]
    demos[-1].source += "\nwhile True: pass"
    stripped(nb)


def left_on(nb):
    """`TRAIN = True` was left on."""
    cell = code(nb, "TRAIN = False")
    cell.source = cell.source.replace("TRAIN = False", "TRAIN = True")


def moved(nb):
    """A task's function stands in a cell of its own further down, and its place is empty; another in a task's cell."""
    task = code(nb, "def q_sample(")
    nb.cells.append(new_code_cell(task.source))
    task.source = "# see the end of the notebook"
    other, last = code(nb, "def extract("), code(nb, "def mean_from_noise(")
    last.source, other.source = other.source + "\n\n" + last.source, ""


def one_class(nb):
    """All methods written into the class, in one cell."""
    whole = code(nb, "class GaussianDiffusion(")
    for cell in [c for c in nb.cells if c.source.startswith("@method_of(GaussianDiffusion)")]:
        method = cell.source.removeprefix("@method_of(GaussianDiffusion)\n")
        whole.source += "\n\n" + textwrap.indent(method, "    ")
        cell.source = ""


def reordered(nb):
    """Imports in another order, under other names as well, and each where it is needed."""
    setup = code(nb, "import torch.nn.functional as F")
    lines = [line for line in setup.source.splitlines() if "import" in line]
    rest = [line for line in setup.source.splitlines() if "import" not in line]
    setup.source = "\n".join([*reversed(lines), "import numpy as np, torch as th", "from torch import *", *rest])


def helpers(nb):
    """Extra cells: helper functions that tasks use, text, an empty cell, a failed attempt, a cell of notes."""
    task = code(nb, "def q_sample(")
    nb.cells.insert(nb.cells.index(task), new_code_cell(
        "def rates(diffusion, t, shape):\n"
        "    tables = diffusion.sqrt_alphas_cumprod, diffusion.sqrt_one_minus_alphas_cumprod\n"
        "    return [extract(table, t, shape) for table in tables]"))
    head = task.source.index("    ####")
    task.source = (task.source[:head] + "    signal, noisy = rates(self, t, x_start.shape)\n"
                   "    return signal * x_start + noisy * noise")
    nb.cells += [new_code_cell(""), new_markdown_cell("notes"), new_code_cell("1 / 0"), new_code_cell("q_sample?"),
                 new_code_cell("def broken(:\n"), nbformat.v4.new_raw_cell("raw")]


NOISE = """
import sys, warnings, logging
warnings.warn("deprecated"); print("careful", file=sys.stderr); logging.warning("odd")
"""
BARS = """
from tqdm import tqdm, trange
from tqdm.auto import tqdm as auto
from tqdm.notebook import tqdm as widget
for _ in tqdm(range(9)): pass
for _ in auto(range(9)): pass
with trange(3) as bar:
    for i in bar: bar.set_postfix(loss=i)
"""
PLOTS = """
%matplotlib inline
import matplotlib.pyplot as plt
fig, axes = plt.subplots(1, 2)
axes[0].plot([1, 2]); axes[1].imshow(torch.rand(4, 4)); plt.show()
display(fig); plt.savefig("figure.png")
"""
MAGICS = """
%load_ext autoreload
%autoreload 2
%config InlineBackend.figure_format = "retina"
!pip install einops
!nvidia-smi
files = !ls
%time x = 1
"""
TRAINS = """
net = torch.nn.Linear(2, 1)
optimizer = torch.optim.Adam(net.parameters())
for _ in range(3):
    net(torch.randn(4, 2)).mean().backward()
    optimizer.step()
"""
FILES = """
import pickle, os, tempfile
torch.save(torch.ones(2), "checkpoint.pt"); torch.load("checkpoint.pt")
with open("notes.txt", "w") as f: f.write("done")
with tempfile.TemporaryDirectory() as d: os.makedirs(d + "/a")
"""
LOCKS = """
import filelock, sqlite3
for _ in range(2):
    with filelock.FileLock("cache.lock", timeout=5), sqlite3.connect("runs.db") as runs:
        runs.execute("PRAGMA journal_mode=wal")
        runs.execute("CREATE TABLE IF NOT EXISTS losses (step INTEGER, loss REAL)")
        runs.execute("INSERT INTO losses VALUES (1, 0.5)")
assert sqlite3.connect("runs.db").execute("SELECT COUNT(*) FROM losses").fetchone() == (2,)
"""
LOADER = """
data = torch.utils.data.TensorDataset(torch.rand(8, 2))
for workers in (0, 2):
    for _ in torch.utils.data.DataLoader(data, batch_size=4, num_workers=workers): pass
"""
SETTINGS = """
torch.manual_seed(0); torch.set_printoptions(precision=2); torch.set_num_threads(4)
import numpy as np, random
np.random.seed(0); random.seed(0); np.seterr(all="raise")
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
torch.backends.cudnn.benchmark = True
"""
COMPILED = """
@torch.compile(mode="max-autotune", fullgraph=True)
def twice(x): return 2 * x
net = torch.compile(torch.nn.Linear(2, 1))
net(twice(torch.ones(4, 2))).sum().backward()
net.compile(); assert net(torch.ones(4, 2)).shape == (4, 1)
"""
SHADOWS = """
list = [1]; sum = 0; input = None; x_start = noise = t = 3; id = print = None
"""
QUITS = """
if not torch.cuda.is_available(): raise SystemExit("no GPU here")
"""


ODDITIES = {"warnings on stderr": NOISE, "progress bars": BARS, "plots": PLOTS, "magics and shell lines": MAGICS,
            "a training loop": TRAINS, "files in its own folder": FILES,
            "locks and databases in its own folder": LOCKS, "a loader with processes": LOADER,
            "functions and networks that are compiled": COMPILED,
            "seeds, threads and settings": SETTINGS, "names that hide Python's": SHADOWS}


def in_a_cell(title, source):
    """A cell that is none of the course's: it must come through without a word."""
    return Piece(title, FULL, cell=source)


PIECES = [
    *(in_a_cell(title, source) for title, source in ODDITIES.items()),
    Piece("metadata and ids stripped", FULL, edit=stripped),
    Piece("stripped, TRAIN = True left on, a demo cell that does not end", FULL, edit=stripped_and_left_on),
    Piece("TRAIN = True left on", FULL, edit=left_on),
    Piece("functions moved into other cells", FULL, edit=moved),
    Piece("the whole class in one cell", FULL, edit=one_class),
    Piece("imports reordered", FULL, edit=reordered),
    Piece("helper functions, failed attempts and other cells", FULL, edit=helpers),
    Piece("a cell that quits without a GPU", FULL, edit=lambda nb: nb.cells.append(new_code_cell(QUITS))),
]
FAMILY = Family("Honest work", PIECES, Limits(cell=8, probe=6, notebook=120))
