"""What a student reads who wrote what students write: the true reason, in the words of the notebook."""

from __future__ import annotations

import importlib
import sys
from types import SimpleNamespace

import pytest

from course_utils import notebooks, tasks
from course_utils.check import CheckFailed, check

DOWN = """downs = nn.ModuleList()
for dim, dim_out in zip(dims[:-1], dims[1:]):
    blocks = [ResnetBlock(dim, dim, context_dim) for _ in range(2)]
    downs.append(nn.ModuleList([*blocks, LAST]))
return downs"""
P_SAMPLE = """import numpy as np
t = torch.full((len(x_t),), t)
mean, std = self.q_posterior(self.predict_start_from_noise(x_t, t, self.model(x_t, t)).clamp(-1, 1), x_t, t)
return mean + std * torch.from_numpy(np.random.randn(*x_t.shape))"""


def source_of(id: str):
    return notebooks.source_of(tasks.notebook_of(id))


@pytest.mark.parametrize("id, code, said", [
    ("ddpm.posterior_tables", "return betas, betas", "posterior_tables returns three tables, mean_coef1, mean_coef2"),
    ("ddpm.posterior_tables", "return (betas.float(),) * 3", "the tables are float32: compute in float64"),
    ("ddpm.posterior_tables", "betas[0] = 0\nreturn betas, betas, betas", "it writes into a tensor that it was given"),
    ("ddpm.q_sample", "return self.extract(self.sqrt_alphas_cumprod, t, x_start.shape) * x_start",
     "`extract` is a function, not a method"),
    ("ddpm.p_sample", P_SAMPLE, "draw the noise with torch, in the shape of the data"),
    ("ddpm.ancestral_step", "x_t -= z\nreturn x_t", "it writes into a tensor that it was given"),
    ("ar.MaskedConv2d.forward", "self.weight.data *= self.mask\nreturn super().forward(x)",
     "✗ ar.MaskedConv2d.forward: `super()` has no meaning here"),
    ("unet.down_blocks", DOWN.replace("LAST", "nn.Conv2d(dim, dim_out, 3, stride=2, padding=1)"),
     "`level 0, module 2: weight` has shape (6, 4, 3, 3), expected (6, 4, 2, 2)"),
    ("unet.down_blocks", DOWN.replace("LAST", "Upsample(dim, dim_out)"), "There is no `level 0, module 2: weight`"),
    ("unet.up_blocks", "return nn.ModuleList([[Upsample(b, a)] for a, b in zip(dims[:-1], dims[1:])])",
     "the levels of up_blocks are plain Python lists, and nn.ModuleList takes modules only"),
    ("unet.drop_condition", "return text_emb if u >= prob else 0 * text_emb", "u holds one for each row: use a mask"),
    ("unet.ema_update", "for a, b in zip(ema.parameters(), model.parameters()):\n    a.mul_(decay).add_(b)",
     "the average's weights ask for gradients: record no graph"),
    ("unet.drop_condition", "return None", "`out` should be a tensor, but it is of type NoneType"),
    ("unet.forward", "return self.final_conv(self.init_conv(y))", "NameError: name 'y' is not defined"),
    ("unet.down_blocks", "return nn.ModuleList()", "`number of levels` is 0, expected 2")])
def test_the_sentence_names_what_is_wrong(id, code, said):
    with pytest.raises(CheckFailed) as caught:
        check(id, notebooks.load(source_of(id), {id: code}))
    assert said in str(caught.value)


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A file of the student's that holds all of notebook 05, with an `extract` that is wrong for all that use it."""
    cells = notebooks.replace(notebooks.read(notebooks.source_of("05_ddpm")), {"ddpm.extract": "return a[t]"}).cells
    kinds = [notebooks.kind_of(c) for c in cells]
    text = "\n\n".join(c.source for c, kind in zip(cells, kinds, strict=True) if kind in ("setup", "task"))
    (tmp_path / "mymodel.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("mymodel")
    del sys.modules["mymodel"]


@pytest.mark.parametrize("id", ["ddpm.q_sample", "ddpm.p_losses", "ddpm.p_sample"])
def test_a_class_from_a_file_beside_the_notebook_is_judged_like_one_in_it(beside, id, capsys):
    check(id, SimpleNamespace(GaussianDiffusion=beside.GaussianDiffusion))
    assert "passed" in capsys.readouterr().out


def test_after_a_restart_the_given_helpers_are_there(capsys):
    nb = vars(notebooks.load(source_of("unet.down_blocks")))
    imports = {name: nb[name] for name in ("nn", "torch", "__name__")}
    names = SimpleNamespace(**imports)
    exec(DOWN_BLOCKS, vars(names))
    check("unet.down_blocks", names)
    assert "passed" in capsys.readouterr().out and set(vars(names)) - set(imports) == {"down_blocks", "__builtins__"}


DOWN_BLOCKS = "def down_blocks(dims, context_dim):\n    " + DOWN.replace("LAST", "Downsample(dim, dim_out)").replace(
    "\n", "\n    ")
