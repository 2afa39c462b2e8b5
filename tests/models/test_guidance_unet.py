"""A student that takes w: its teacher's twin at first, and able to learn what depends on w."""

from __future__ import annotations

import pytest
import torch

from course_utils.models.continuous_unet import ContinuousUnet
from course_utils.models.guidance_unet import GuidanceUnet

ARGS = dict(dim=4, condition_dim=5, dim_mults=(1, 2), channels=1)


def pair() -> tuple[ContinuousUnet, GuidanceUnet]:
    torch.manual_seed(0)
    teacher, student = ContinuousUnet(**ARGS).eval(), GuidanceUnet(**ARGS).eval()
    student.load_teacher(teacher)
    return teacher, student


def inputs() -> tuple:
    rng = torch.Generator().manual_seed(1)
    return (torch.randn(3, 1, 8, 8, generator=rng), torch.rand(3, generator=rng),
            {"text_emb": torch.randn(3, 5, generator=rng), "w": torch.tensor([0.0, 1.5, 4.0])})


def test_a_fresh_student_answers_as_its_teacher_for_every_w():
    (teacher, student), (x, t, kwargs) = pair(), inputs()
    for given in (kwargs, {"w": kwargs["w"]}, {}):
        assert torch.equal(student(x, t, given), teacher(x, t, {"text_emb": given.get("text_emb")}))


def test_after_one_step_w_matters_per_sample_and_its_absence_is_zero():
    (_, student), (x, t, kwargs) = pair(), inputs()
    student(x, t, kwargs).square().sum().backward()
    torch.optim.SGD(student.parameters(), lr=0.01).step()
    without = {"text_emb": kwargs["text_emb"]}
    same = torch.isclose(student(x, t, kwargs), student(x, t, without), atol=1e-6).flatten(1).all(1)
    assert same.tolist() == [True, False, False]


def test_every_parameter_gets_a_gradient_once_the_last_layer_has_moved():
    (_, student), given = pair(), inputs()
    torch.nn.init.normal_(student.guidance_mlp[-1].weight)
    student(*given).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in student.parameters())


def test_another_networks_weights_are_refused():
    with pytest.raises(RuntimeError, match="size mismatch"):
        pair()[1].load_teacher(ContinuousUnet(**{**ARGS, "dim": 8}))


def test_the_network_is_one_graph():
    (_, student), given = pair(), inputs()
    with torch.no_grad():
        graph = torch.compile(student, backend="eager", fullgraph=True)
        torch.testing.assert_close(graph(*given), student(*given), rtol=1e-5, atol=1e-6)


def test_guiding_twice_is_one_sentence():
    (_, student), (x, t, kwargs) = pair(), inputs()
    with pytest.raises(ValueError, match="^This network takes the weight of guidance as its input w"):
        student(x, t, {**kwargs, "cfg_scale": 2.0})
