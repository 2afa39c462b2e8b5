"""What the site's live figures read: networks as ONNX that answer as the library's classes, and the numbers beside."""

from __future__ import annotations

import pytest
import torch

from course_utils import densities, notebooks, zoo
from course_utils.authoring import export
from course_utils.diffusion.paths import RectifiedFlow
from course_utils.diffusion.samplers import sample
from course_utils.diffusion.slider import Slider

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def runtime(work):
    """`runtime(name)` gives a figure and a function that runs its ONNX file."""
    ort = pytest.importorskip("onnxruntime", reason="No onnxruntime: the site's networks are not run in Python.")

    def load(name):
        figure = export.FIGURES[name]()
        session = ort.InferenceSession(work / "live" / f"{name}.onnx", providers=["CPUExecutionProvider"])

        def run(*inputs):
            given = zip(figure.inputs, inputs, strict=True)
            return torch.from_numpy(session.run(None, {key: x.numpy() for key, x in given})[0])

        return figure, run

    return load


def test_a_finished_guided_digit_is_the_librarys(runtime):
    figure, run = runtime("guidance")
    item = zoo.load("mnist-unet")
    x = figure.inputs["x"]

    def exported(x, t, label):
        rows = zip(x.split(1), t.float().split(1), label.int().split(1), strict=True)
        return torch.cat([run(*row) for row in rows])

    ours = Slider(exported, x, item.path, torch.tensor([3]), torch.tensor([10]))(2.0)
    librarys = Slider(item.model, x, item.path, {"text_emb": item.encode([3])}, None)(2.0)
    assert (ours - librarys).abs().mean() < 1e-3
    assert (librarys > 0.5).float().mean() > 0.02  # there is a digit


def test_the_plans_of_the_page_are_the_librarys():
    figure = export.guidance()
    rows = torch.tensor(figure.more["plans"]["DDIM"][5], dtype=torch.float64)
    path = zoo.load("mnist-unet").path
    t, x = rows[:, 0].long(), torch.randn(6, dtype=torch.float64)
    noise = torch.randn(len(rows), 6, dtype=torch.float64)
    by_page = x
    for (_, of_x, of_noise, c_x, c_start, _, _), predicted in zip(rows.tolist(), noise, strict=True):
        by_page = c_x * by_page + c_start * (of_x * by_page + of_noise * predicted).clamp(-1, 1)
    steps = dict(zip(t.tolist(), noise, strict=True))
    by_library = sample(lambda x, t: steps[t[0].item()][None], x[None], export.notebook.PLANS["DDIM"](path, 5))
    torch.testing.assert_close(by_page, by_library[0])


@pytest.mark.parametrize("name", ["latent", "interpolation"])
def test_an_exported_decoder_draws_what_the_librarys_draws(runtime, name):
    figure, run = runtime(name)
    z = torch.randn_like(figure.inputs["z"])
    with torch.no_grad():
        assert (run(z) - figure.network(z)).abs().mean() < 1e-3


def test_the_exported_velocity_is_the_mixtures(runtime):
    figure, run = runtime("particles")
    exact = densities.ring().model(RectifiedFlow(), "velocity")
    for t in (1.0, 0.5, 0.02):
        time, x = torch.tensor([t]), t * figure.inputs["x"] + (1 - t) * 2
        torch.testing.assert_close(run(x, time), exact(x, time.expand(400)), rtol=1e-3, atol=1e-3)


def test_a_network_is_written_small_and_tells_nothing_of_this_machine():
    figure = export.interpolation()
    network = export.to_onnx(figure.network, figure.inputs)
    assert len(network) < 1.1 * 2 * sum(p.numel() for p in figure.network.parameters())
    assert b"/" + export.__file__.encode().split(b"/")[1] + b"/" not in network


def test_the_folder_holds_what_the_page_reads_and_the_sizes_are_true(tmp_path, monkeypatch):
    site = tmp_path / "modules/onnxruntime-web/dist"
    site.mkdir(parents=True)
    (site / export.SCRIPT).write_text("script")
    (site / export.BINARY).write_bytes(bytes(1000))
    monkeypatch.setattr(export, "FIGURES", {"latent": export.latent})
    about = export.export(tmp_path / "live", site)
    written = {path.name: path.stat().st_size for path in (tmp_path / "live").iterdir()}
    assert set(written) == {"latent.onnx", "live.json", "runtime.mjs", "runtime.wasm.gz"}
    assert about["figures"]["latent"]["bytes"] == sum(written.values()) - written["live.json"]
    monkeypatch.setattr(export, "to_onnx", None)
    assert export.export(tmp_path / "live", site) == about  # nothing is made again


def test_every_figure_has_its_file_in_the_kit_and_its_cell_in_a_notebook():
    assert export.FIGURES.keys() == export.PLACES.keys() == {p.stem for p in (export.LIVE / "figures").glob("*.js")}
    for notebook, said in export.PLACES.values():
        cells = [cell for cell in notebooks.read(notebooks.source_of(notebook)).cells if said in cell.source]
        assert [cell.cell_type for cell in cells] == ["code"], notebook


def test_without_the_runtime_a_sentence_says_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="npm ci"):
        export.export(tmp_path, tmp_path / "none/onnxruntime-web/dist")
