"""A path writes its own config, and is read back from it as it was."""

from __future__ import annotations

import json

import pytest
import torch

from course_utils import diffusion
from course_utils.diffusion import paths
from course_utils.diffusion.paths import VE, VP, DiscreteVP, RectifiedFlow, SubVP

OWN = DiscreteVP(torch.linspace(1e-3, 0.5, 7))
PATHS = [VP(), VP(0.2, 10, 50), SubVP(beta_max=12.0), VE(0.02, 30.0, N=10), RectifiedFlow(), VP(N=1000).chain(), OWN,
         *(DiscreteVP(schedule(60)) for schedule in (paths.linear_betas, paths.cosine_betas, paths.sigmoid_betas))]


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_a_path_comes_back_from_its_config_to_the_bit(path):
    again = paths.from_config(json.loads(json.dumps(path.config())))
    assert type(again) is type(path) and repr(again) == repr(path)
    t = torch.linspace(0.01, 0.99, 9, dtype=torch.float64) * path.T
    assert torch.equal(again.alpha(t), path.alpha(t)) and torch.equal(again.sigma(t), path.sigma(t))


def test_a_chain_of_a_schedule_is_told_in_words_and_another_by_its_variances():
    assert DiscreteVP(paths.cosine_betas(200)).config() == {
        "name": "DiscreteVP", "schedule": "cosine", "timesteps": 200}
    assert DiscreteVP(paths.cosine_betas(200, s=0.01)).config()["betas"][0] == paths.cosine_betas(200, s=0.01)[0]


TOY = """
from course_utils.diffusion.paths import RectifiedFlow

class Toy(RectifiedFlow):
    def __init__(self, speed=1.0):
        self.speed = speed
"""


def test_a_file_dropped_into_the_folder_is_a_path(tmp_path, monkeypatch):
    (tmp_path / "toy_path.py").write_text(TOY)
    monkeypatch.setattr(diffusion, "__path__", [*diffusion.__path__, str(tmp_path)])
    toy = paths.from_config({"name": "toy_path.Toy", "speed": 3.0})
    assert toy.speed == 3.0 and toy.config() == {"name": "toy_path.Toy", "speed": 3.0}
    with pytest.raises(ValueError, match="no path toy_path.VP; there are: Toy"):
        paths.from_config({"name": "toy_path.VP"})


@pytest.mark.parametrize("config, said", [
    ({}, "no path None; there are: VP, SubVP, DiscreteVP, VE, RectifiedFlow"), ({"name": "Tensor"}, "no path Tensor"),
    ({"name": "GaussianPath"}, "no path GaussianPath"), ({"name": "os.VP"}, "no path os.VP; there are: VP"),
    ({"name": "_Decaying"}, "no path _Decaying"),
    ({"name": "VP", "speed": 3}, "VP takes beta_min, beta_max, N: .*'speed'"),
    ({"name": "DiscreteVP", "schedule": "square", "timesteps": 5}, "no schedule square; there are: linear, cosine"),
    ({"name": "DiscreteVP"}, "no schedule without a name")])
def test_what_is_no_path_is_one_sentence(config, said):
    with pytest.raises(ValueError, match=said):
        paths.from_config(config)
