"""Checkpoints: what is written is what is read, and a damaged file is one sentence."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from conftest import ordinary_user
from PIL import Image

from course_utils import files, models, zoo
from course_utils.diffusion.paths import DiscreteVP, cosine_betas

ARGS = {"dim": 2, "condition_dim": 4, "dim_mults": [1, 2], "channels": 1}


@pytest.fixture
def shipped(tmp_path):
    torch.manual_seed(0)
    model = models.build("unet", ARGS).eval()
    path = zoo.save("small", model, {"model": "unet", "args": ARGS, "table": [[1, 0, 0, 0], [0, 1, 0, 0]]},
                    {"loss": 0.5}, tmp_path)
    return model, path


def test_a_checkpoint_comes_back_as_it_was(shipped, tmp_path):
    model, _ = shipped
    item = zoo.load("small", tmp_path)
    x, t = torch.randn(2, 1, 8, 8), torch.tensor([0, 5])
    condition = {"text_emb": item.encode(torch.tensor([0, 1])).float()}
    assert torch.equal(item.model(x, t, condition), model.half().float()(x, t, condition))
    assert item.metrics == {"loss": 0.5} and not item.model.training


def test_writing_twice_gives_the_same_bytes(shipped, tmp_path):
    model, path = shipped
    before = path.read_bytes()
    zoo.save("small", model, zoo.load("small", tmp_path).config, {"loss": 0.5}, tmp_path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["small.safetensors"]


def test_tables_are_kept_beside_the_metrics_and_by_a_later_remark(shipped, tmp_path):
    table = {"guidance": [{"w": 0.5, "recognised": 0.9}, {"w": 1.0, "recognised": 1.0}]}
    assert zoo.load("small", tmp_path).tables == {}
    zoo.save("small", shipped[0], {"model": "unet", "args": ARGS}, {"loss": 0.5}, tmp_path, tables=table)
    zoo.set_remark("small", "thin strokes", tmp_path)
    assert zoo.load("small", tmp_path).tables == table


def test_weights_are_written_in_float16_and_read_in_float32(shipped, tmp_path):
    model, path = shipped
    written, _ = files.read_tensors(path)
    assert {x.dtype for x in written.values()} == {torch.float16}
    read = zoo.load("small", tmp_path).model.state_dict()
    assert all(torch.equal(read[name], weight.half().float()) for name, weight in model.state_dict().items())
    torch.nn.init.constant_(model.final_conv.weight, 1e5)
    with pytest.raises(ValueError, match=r"final_conv.weight is not finite in float16"):
        zoo.save("small", model, {}, {}, tmp_path)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"rubbish", lambda b: b"",
                                    lambda b: b[:-5] + bytes([b[-5] ^ 1]) + b[-4:]])
def test_a_damaged_checkpoint_is_one_sentence(shipped, tmp_path, damage):
    _, path = shipped
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match="small.*restore"):
        zoo.load("small", tmp_path)


def test_an_unknown_checkpoint_names_the_known(shipped, tmp_path):
    with pytest.raises(ValueError, match="there are: small"):
        zoo.load("large", tmp_path)


def test_a_grid_of_samples_belongs_to_its_weights(shipped, tmp_path):
    model, _ = shipped
    with pytest.raises(ValueError, match="no grid"):
        zoo.samples("small", tmp_path)
    path = zoo.save_samples("small", torch.rand(20, 1, 8, 8), tmp_path)
    assert zoo.samples("small", tmp_path) == path
    torch.nn.init.zeros_(model.final_conv.weight)
    zoo.save("small", model, zoo.load("small", tmp_path).config, {}, tmp_path)
    with pytest.raises(ValueError, match="no grid"):
        zoo.samples("small", tmp_path)


def test_a_grids_last_row_is_filled_with_white(shipped, tmp_path):
    path = zoo.save_samples("small", torch.zeros(23, 3, 8, 8), tmp_path)
    grid = np.asarray(Image.open(path))
    assert grid.shape == (24, 80, 3) and not grid[:16].any() and not grid[16:, :24].any()
    assert (grid[16:, 24:] == 255).all()


def test_further_pictures_stand_beside_the_samples_under_their_own_name(shipped, tmp_path):
    model, _ = shipped
    samples = zoo.save_samples("small", torch.rand(20, 1, 8, 8), tmp_path)
    old = zoo.save_samples("small", torch.rand(20, 1, 8, 8), tmp_path, of="walk")
    assert zoo.samples("small", tmp_path, of="walk") == old != samples
    torch.nn.init.zeros_(model.final_conv.weight)
    zoo.save("small", model, zoo.load("small", tmp_path).config, {}, tmp_path)
    new = zoo.save_samples("small", torch.rand(20, 1, 8, 8), tmp_path, of="walk")
    assert not old.exists() and new.exists() and samples.exists(), "each picture replaces its own like alone"


def test_a_model_comes_with_its_path():
    path = zoo.load("mnist-unet").path
    assert torch.equal(path.betas, DiscreteVP(cosine_betas(200)).betas)
    with pytest.raises(ValueError, match="classifier has no path"):
        _ = zoo.load("mnist-classifier").path


def test_a_checkpoint_is_told_in_a_line_and_encodes_any_labels():
    item = zoo.load("mnist-unet")
    assert repr(item).startswith("<unet, 800,305 parameters: ") and "\n" not in repr(item)
    assert torch.equal(item.encode([3, 5]), item.encode(torch.tensor([3, 5])))
    with pytest.raises(ValueError, match="classifier has no classes to draw"):
        zoo.load("mnist-classifier").encode([3])
    for wrong in ([-1], [3, 10]):
        with pytest.raises(ValueError, match="classes 0 to 9"):
            item.encode(wrong)


def test_a_grid_of_no_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(OSError, match="nothing.safetensors cannot be read .no such file"):
        zoo.samples("nothing", tmp_path)


def test_a_checkpoint_that_names_no_model_is_one_sentence(tmp_path):
    zoo.save("mine", torch.nn.Linear(2, 2), {"steps": 3}, {}, tmp_path)
    with pytest.raises(ValueError, match="mine.safetensors is no checkpoint: it does not tell its network"):
        zoo.load("mine", tmp_path)


@pytest.mark.parametrize("config, said", [
    ({"model": "hologram", "args": {}}, "There is no network hologram; there are: .*unet"),
    ({"model": "unet", "args": ARGS | {"holes": 3}}, "unet takes dim, .*'holes'"),
    ({"model": "unet", "args": ARGS | {"dim": 4}}, "of its weights are not the network's, such as condition_mlp"),
    ({"model": "classifier", "args": {}}, "of its weights are not the network's, such as ")])
def test_a_checkpoint_of_another_version_is_not_called_damaged(shipped, tmp_path, config, said):
    zoo.save("later", shipped[0], config, {}, tmp_path)
    with pytest.raises(ValueError, match="later is of another version of the course.*" + said) as told:
        zoo.load("later", tmp_path)
    assert "\n" not in str(told.value) and "damaged" not in str(told.value)


def test_a_checkpoint_that_may_not_be_read_is_not_called_damaged(shipped):
    _, path = shipped
    path.chmod(0)
    with ordinary_user(path.parent), pytest.raises(OSError, match="small.*cannot be read .permission denied"):
        zoo.load("small", path.parent)


@pytest.mark.parametrize("of", [
    *(partial(torch.tensor, dtype=kind) for kind in (torch.int8, torch.uint8, torch.int16, torch.int32, torch.int64)),
    *(partial(np.array, dtype=kind) for kind in ("int8", "uint8", "uint16", "int32", "uint32", "uint64")),
    lambda values: np.array(values[::-1])[::-1], tuple, lambda values: range(values[0], 9, values[1] - values[0]),
    lambda values: list(np.array(values))])
def test_classes_may_be_integers_of_any_kind(shipped, tmp_path, of):
    item = zoo.load("mnist-unet")
    assert torch.equal(item.encode(of([3, 5, 7])), torch.tensor(item.config["table"])[[3, 5, 7]])


@pytest.mark.parametrize("none", [[], (), range(0), torch.tensor([], dtype=torch.int64), np.array([])])
def test_no_classes_are_no_rows(none):
    item = zoo.load("mnist-unet")
    assert item.encode(none).shape == (0, len(item.config["table"][0]))


@pytest.mark.parametrize("wrong", [[1.0, 2.0], torch.tensor([1.5]), [True, False], torch.tensor([True]),
                                   np.array([1.0])])
def test_classes_that_are_no_integers_are_one_sentence(wrong):
    with pytest.raises(ValueError, match=r"The model's classes are looked up by integers, not by torch\.(float|bool)"):
        zoo.load("mnist-unet").encode(wrong)


def test_a_remark_is_kept_beside_the_weights_and_changes_neither_them_nor_their_samples(shipped):
    _, path = shipped
    before = files.read_tensors(path)
    zoo.set_remark("small", "Its digits are thin.", path.parent)
    item, (weights, about) = zoo.load("small", path.parent), files.read_tensors(path)
    assert item.remark == "Its digits are thin." and about == before[1] | {"remark": item.remark}
    assert all(torch.equal(weights[key], x) for key, x in before[0].items())
