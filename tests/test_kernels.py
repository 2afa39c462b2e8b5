"""Notebook 15 against known answers: its kernels, what they touch, what the compiler makes of them, and its roofs."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from course_utils import diagrams, notebooks, puzzles
from course_utils.check import Unfinished
from course_utils.diagrams import kernels as drawings
from course_utils.diffusion.guidance import guided
from course_utils.diffusion.paths import DiscreteVP, cosine_betas
from course_utils.diffusion.plans import plan_ancestral
from course_utils.diffusion.samplers import sample
from course_utils.kernels import ahead, cards, guided_step, interpreter, measured, modulated_norm, q_sample
from course_utils.tasks.draws import fixed_draws

ROOT = Path(__file__).parents[1]
triton = pytest.importorskip("triton", reason="Triton is not installed for this system.")


@pytest.fixture(scope="module")
def nb():
    before = os.environ.get("TRITON_INTERPRET")
    yield notebooks.load(notebooks.source_of("15"))
    os.environ.pop("TRITON_INTERPRET", None) if before is None else os.environ.update(TRITON_INTERPRET=before)


@pytest.fixture(autouse=True)
def interpreting():
    """Afterwards Triton's language is as it was, whatever a kernel of this file leaves behind."""
    with interpreter.language(interpreted=True):
        yield


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


# ---- the kernels


@pytest.mark.parametrize("n", [1, 15, 16, 50])
def test_the_puzzles_are_torchs_own_operations(nb, n):
    x, y = draw(n), draw(n + 3, seed=1)
    torch.testing.assert_close(nb.add(x, y[:n].clone()), x + y[:n])
    assert torch.equal(nb.masked_copy(x), x)
    torch.testing.assert_close(nb.outer(x, y), torch.outer(x, y))
    torch.testing.assert_close(nb.row_sum(draw(3, n)), draw(3, n).sum(dim=1))


def test_q_sample_is_the_librarys(nb):
    table = torch.linspace(0.99, 0.01, 10)
    x, noise, t = draw(3, 2, 30, 31), draw(3, 2, 30, 31, seed=1), torch.tensor([0, 9, 4])
    theirs = q_sample.reference(x, t, noise, table.sqrt(), (1 - table).sqrt())
    torch.testing.assert_close(nb.q_sample(x, noise, table, t), theirs)


def test_the_guided_step_is_the_librarys_kernel_and_a_step_of_its_sampler(nb):
    path = DiscreteVP(cosine_betas(20))
    plan = plan_ancestral(path, torch.tensor([19, 12, 5]))
    x, cond, uncond, z = (draw(2, 1, 9, 9, seed=k) for k in range(4))
    row, weights = plan.table[0], plan.weights("noise")[0]
    coefficients = torch.cat([weights, row[[0, 1, 3]]]).float()
    mine = nb.guided_step(x, cond, uncond, 1.5, coefficients, z)
    library = torch.cat([torch.tensor([1.5]), weights.float(), row.float()])
    torch.testing.assert_close(mine, guided_step.reference(x, cond, uncond, library, z, 1.0))

    answers = {"answer": cond}, {"answer": uncond}
    states, model = [], guided(lambda x, t, told: told["answer"], *answers, 1.5, batched=False)
    with fixed_draws(noise=z):
        sample(model, x, plan, callback=lambda state: states.append(state["x"].clone()))
    torch.testing.assert_close(mine, states[0])


def test_the_backward_pass_is_autograds_and_the_librarys(nb):
    x, upstream, g = draw(2, 6, 5, 9), draw(2, 6, 5, 9, seed=1), draw(1, 6, 1, 1, seed=2).abs() + 0.5
    wide, gain = x.double().requires_grad_(), g.double().requires_grad_()
    y = gain * wide / wide.norm(dim=1, keepdim=True) * 6**0.5
    wanted = torch.autograd.grad(y, (wide, gain), upstream.double())
    for mine, exact in zip(nb.rms_norm_backward(x, g, upstream), wanted, strict=True):
        torch.testing.assert_close(mine.double(), exact, rtol=1e-4, atol=1e-5)
    # The library's kernel goes on through a GELU: a gradient that is divided by GELU's slope arrives as `upstream`.
    u = y.detach()
    slope = torch.ops.aten.gelu_backward(torch.ones_like(u), u)
    by_position = [c.flatten(2).mT for c in (wide.detach(), upstream.double() / slope)]
    dx, a, _ = modulated_norm.reference_backward(by_position[0], gain.detach().flatten(), None, None, by_position[1])
    torch.testing.assert_close(dx.mT.reshape(x.shape), wanted[0])
    torch.testing.assert_close(a.sum(dim=0), wanted[1].flatten())


def test_its_gradient_never_points_along_x(nb):
    x, upstream = draw(1, 8, 4, 4), draw(1, 8, 4, 4, seed=1)
    grad_x, _ = nb.rms_norm_backward(x, torch.ones(1, 8, 1, 1), upstream)
    torch.testing.assert_close((grad_x * x).sum(dim=1), torch.zeros(1, 4, 4), atol=1e-5, rtol=0)


def test_bytes_by_hand_and_by_the_library(nb):
    assert nb.bytes_moved(100, 2, 1, 4) == 1200 == q_sample.bytes_moved(100, torch.float32)
    assert nb.bytes_moved(7, 3, 1, 2) == 56 == guided_step.bytes_moved(7, torch.bfloat16)


# ---- what they touch


def test_the_tracer_counts_what_is_known(nb):
    seen = diagrams.trace_accesses(nb.masked_copy, x=draw(37))
    assert (seen.bytes("load"), seen.bytes("store"), seen.bytes()) == (148, 148, 296)
    assert sum(len(a.masked) for a in seen.accesses) == 2 * 11
    assert [a.program[0] for a in seen.accesses] == [0, 0, 1, 1, 2, 2]
    seen = diagrams.trace_accesses(nb.outer, x=draw(12), y=draw(20))
    assert (seen.bytes("load"), seen.bytes("store")) == (3 * 48 + 2 * 80, 12 * 20 * 4)
    table, t = torch.linspace(0.9, 0.1, 5), torch.tensor([0, 3])
    seen = diagrams.trace_accesses(nb.q_sample, x_start=draw(2, 1500), noise=draw(2, 1500), alphas_cumprod=table, t=t)
    assert seen.bytes() == 3 * 3000 * 4 + 2 * 2 * (8 + 4)  # two blocks a sample, each with a time and its share


def test_plain_torch_is_told_by_its_operations():
    def add(x, y):
        return x + y

    seen = diagrams.trace_accesses(add, x=draw(10), y=draw(10))
    assert seen.accesses == [] and seen.who == "your plain torch"
    assert (seen.bytes("load"), seen.bytes("store")) == (80, 40)


@pytest.mark.parametrize("name, shapes", [("add", [(9,), (9,)]), ("masked_copy", [(37,)]), ("row_sum", [(4, 12)]),
                                          ("outer", [(12,), (20,)])])
def test_what_is_drawn_for_plain_torch_is_what_the_kernel_touches(nb, name, shapes):
    tensors = {letter: draw(*s) for letter, s in zip("xy", shapes, strict=False)}
    seen = diagrams.trace_accesses(getattr(nb, name), **tensors)
    drawn_for_torch = drawings._course(seen)
    touched, told = ({(a.kind, a.program, *sorted(a.addresses)) for a in accesses}
                     for accesses in (seen.accesses, drawn_for_torch))
    assert touched == told != set()


def test_a_figure_has_a_panel_for_each_tensor_and_says_whose_kernel_it_is(nb):
    fig = diagrams.programs(nb.add, x=draw(5), y=draw(5))
    assert [axes.get_title() for axes in fig.axes] == ["x is read: 20 bytes", "y is read: 20 bytes",
                                                       "out is written: 20 bytes"]
    assert fig.get_suptitle() == "`add`, 5 programs"

    def add(x, y):
        return x + y

    assert "yours is plain torch" in diagrams.programs(add, x=draw(5), y=draw(5)).get_suptitle()


def test_watching_leaves_triton_as_it_was(nb):
    import triton.language as tl

    before, variable = {owner: dict(vars(owner)) for owner in interpreter._owners()}, os.environ["TRITON_INTERPRET"]
    with interpreter.watch_accesses(lambda access: None):
        nb.row_sum(draw(2, 5))
    assert {owner: dict(vars(owner)) for owner in interpreter._owners()} == before
    assert os.environ["TRITON_INTERPRET"] == variable
    with interpreter.language(interpreted=False):
        assert type(tl.sum) is triton.runtime.JITFunction


def test_nothing_is_written_where_the_watch_objects(nb):
    x, touched = draw(40), []

    def object_to_stores(access):
        touched.append(access.kind)
        if access.kind == "store":
            raise ValueError("no")

    with pytest.raises(Exception, match="no"), interpreter.watch_accesses(object_to_stores):
        nb.masked_copy(x)
    assert touched == ["load", "store"]


# ---- operations, roofs, the compiler


def test_operations_count_what_each_reads_and_writes():
    def plain(x):
        y = (2 * x).reshape(2, -1)
        return y.add_(x.view(2, -1))

    assert measured.operations(plain, draw(10)).each == (("mul", 40, 40), ("add_", 80, 40))


def test_the_roofline_and_the_model_under_it():
    h200 = cards.CARDS[0]
    assert h200.attainable(0.5) == 2.4e12 and h200.attainable(1000) == 67e12
    slow, fast = (h200.seconds(2**28, 1024, 5, 13), 5 * 2**28 * 4 / h200.bandwidth)
    assert fast < slow < 1.01 * fast  # large: the bytes
    assert h200.seconds(784, 1024, 5, 13) == pytest.approx(cards.LAUNCH + cards.ANSWER)  # small: start and answer
    assert h200.seconds(2**22, 32, 5, 13) > 2 * h200.seconds(2**22, 1024, 5, 13)
    assert cards.here() == [] or torch.cuda.is_available()


def test_what_a_graph_gains_is_told_only_where_it_was_measured(tmp_path):
    assert "not measured" in measured.graph_gain(tmp_path / "none.json")
    row = {"name": f"guided_step (8, 1, 28, 28), 50 {measured.IN_A_GRAPH}", "ours": 2.0, "peer": 60.0}
    (tmp_path / "some.json").write_text(json.dumps({"rows": [row]}))
    assert "2 µs" in measured.graph_gain(tmp_path / "some.json")


def test_launches_are_noted_and_do_not_happen(nb):
    x = draw(33)
    (launch,) = ahead.launches(nb.masked_copy, x)
    assert launch.signature == {"x_ptr": "*fp32", "out_ptr": "*fp32", "n": "i32", "BLOCK": "constexpr"}
    assert launch.constants == {"BLOCK": 16} and 0 in launch.aligned and 2 not in launch.aligned
    assert ahead.launches(lambda x: x + 1, x) == []


@pytest.mark.parametrize("error", [Unfinished("to be written"), RuntimeError("shapes"), IndexError("of a list")],
                         ids=repr)
def test_what_fails_before_its_first_launch_is_not_taken_for_plain_torch(nb, error):
    def failing(x, launch_first):
        if launch_first:
            nb.masked_copy(x)
        raise error

    with pytest.raises(type(error), match=str(error)):
        ahead.launches(failing, draw(33), False)
    with pytest.raises(type(error), match=str(error)):
        ahead.read(failing, draw(33), False)
    assert len(ahead.launches(failing, draw(33), True)) == 1


@pytest.mark.slow
def test_a_bad_block_size_is_seen_in_compiled_code(nb):
    given = (*(draw(4, 784, seed=k) for k in range(3)), 1.0, draw(5), draw(4, 784))
    small, good = ahead.read(nb.guided_step, *given, blocks=[32, 1024])
    assert 128 not in small.accesses and good.accesses[128] == 5 * 1024 // (128 * 4)
    assert small.spilled == good.spilled == 0 < good.registers < 128
    with pytest.raises(ahead.NotCompiled, match="power of 2"):
        ahead.read(nb.guided_step, *given, blocks=[1000])


# ---- the puzzle, and the library


def test_the_puzzles_slips_are_what_its_answer_says():
    x, noise, table = draw(3, 1, 28, 28), draw(3, 1, 28, 28, seed=1), torch.linspace(0.9, 0.1, 10)
    t = torch.tensor([2, 7, 4])
    right = q_sample.reference(x, t, noise, table.sqrt(), (1 - table).sqrt()).flatten(1)
    sheets = {name: sheet.flatten(1) for name, sheet in puzzles.slipped_kernels(x, noise, table, t).items()}
    same = {name: torch.isclose(sheet, right) for name, sheet in sheets.items()}
    assert same["A"][0, :512].all() and not same["A"][0, 512:].any() and not same["A"][2].any()
    assert same["B"][:, :512].all() and (sheets["B"][:, 512:] == 0).all()
    alone = q_sample.reference(x[:1], t[2:], noise[:1], table.sqrt(), (1 - table).sqrt()).flatten()
    torch.testing.assert_close(sheets["C"][0], alone)
    assert (sheets["C"][1:] == 0).all()


def test_every_kernel_of_the_library_has_a_caller():
    """In the library outside of kernels/, or in a notebook."""
    files = [p for p in (ROOT / "course_utils").rglob("*.py") if p.parent.name != "kernels"]
    files += notebooks.sources()
    called = set()
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("course_utils.kernels"):
                called |= {node.module.split(".")[-1], *(a.name for a in node.names)}
    kernels = {p.stem for p in (ROOT / "course_utils/kernels").glob("*.py") if "@jit" in p.read_text(encoding="utf-8")}
    assert len(kernels) >= 5 and kernels - called == set()


def test_that_arithmetic_of_places_knows_a_matrix():
    accesses = drawings._grid(torch.zeros(3, 5), 2)
    assert len(accesses) == 6 and np.array_equal(accesses[-1][1], [14])
