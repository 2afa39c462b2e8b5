"""The tables of guidance: what a row measures, and that every setting begins at the same noise."""

from __future__ import annotations

import pytest
import torch

from course_utils import recipes, zoo
from course_utils.recipes import guidance


@pytest.fixture
def asked(fallback):
    """Guidance of four digits by a classifier that knows nothing yet."""
    return guidance.Guidance(recipes.find("mnist-noisy-classifier").model().eval(), 4)


def test_no_weight_is_the_plain_conditional_and_a_weight_acts_in_its_interval_only(asked):
    plain, late = asked.free(0.0, 2), asked.free(3.0, 2, (-5, -4))
    assert torch.allclose(plain, late, atol=1e-5)
    assert not torch.allclose(plain, asked.free(3.0, 2, (0, 250)), atol=1e-2)


def test_a_classifier_guides_the_network_that_is_told_no_class(asked):
    asked.labels = torch.tensor([1, 1, 1, 1])
    plain, guided = asked.by_classifier(0.0, 2), asked.by_classifier(50.0, 2)
    asked.labels = torch.tensor([2, 2, 2, 2])
    assert torch.equal(plain, asked.by_classifier(0.0, 2))  # of strength 0 the class changes nothing
    assert not torch.allclose(guided, asked.by_classifier(50.0, 2), atol=1e-3)


def test_the_grid_of_times_is_the_notebooks(asked, monkeypatch):
    grids = []
    monkeypatch.setattr(guidance, "sample_ddim", lambda guide, x, path, times: grids.append(times.tolist()) or x)
    asked.free(0.0, 4), asked.free(0.0, 16)
    assert grids[0] == [199, 133, 66, 0, -1]  # linspace(199, 0, 4) to the nearest integer, then clean data
    assert grids[1][:3] == [199, 186, 172] and len(grids[1]) == 17


def test_real_digits_are_of_the_samples_classes_and_measured_alike(asked, monkeypatch):
    read = []
    monkeypatch.setattr(guidance.digits, "share_recognised",
                        lambda images, labels: read.append((images, labels)) or 1.0)
    row = guidance.digits.quality(guidance.digits.real(asked.labels), asked.labels)
    assert row["recognised"] == 1.0 and set(row) == {"recognised", "diversity", "kernel_distance",
                                                     "kernel_distance_std"}
    images, labels = guidance.digits.load("train")
    for image, label in zip(*read[0], strict=True):
        index = (images == image).flatten(1).all(1).nonzero()[0]
        assert labels[index] == label


def test_the_shipped_tables_are_complete():
    tables = zoo.load("mnist-noisy-classifier").tables
    settings = [(row["w"], row["steps"]) for row in tables["guidance"]]
    assert settings == [(w, steps) for w in guidance.WEIGHTS for steps in guidance.STEPS]
    assert [row["gamma"] for row in tables["classifier"]] == list(guidance.STRENGTHS)
    assert len(tables["interval"]) == 2 and len(tables["real"]) == 1
