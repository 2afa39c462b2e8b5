"""What is recorded of a notebook comes back as it was, and what outcomes share is written once."""

from __future__ import annotations

import torch

from course_utils import files
from course_utils.tasks import Outcome
from course_utils.tasks import recorded as module
from course_utils.tasks.recorded import Mistake, Recorded, load_recorded, save_recorded


def test_outcomes_come_back_in_their_order_and_share_their_tensors(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FOLDER", tmp_path)
    x, nan = torch.arange(3.0), torch.tensor([float("nan")])
    right = Outcome({"out": x, "grad": nan})
    slips = [Outcome({"grad": nan.clone(), "out": x.clone()}), Outcome({"out": x + 1}), Outcome({"out": x.double()}),
             Outcome({"other": x, "out": x}, "ValueError"), Outcome({}, "TypeError")]
    save_recorded("99_demo", Recorded({"demo.a": {"out": x}}, {"demo.a": right},
                                      {"demo.a": [Mistake(str(i), "hint", slip) for i, slip in enumerate(slips)]}))
    tensors, _ = files.read_tensors(tmp_path / "99_demo.safetensors")
    assert len(tensors) == 5  # out in three forms, grad, other
    back = load_recorded("99_demo")
    assert list(back.inputs["demo.a"]) == ["out"]
    for got, want in zip([back.reference["demo.a"], *(m.outcome for m in back.mistakes["demo.a"])], [right, *slips],
                         strict=True):
        assert got.error == want.error and list(got.tensors) == list(want.tensors)
        for name, tensor in want.tensors.items():
            torch.testing.assert_close(got.tensors[name], tensor, rtol=0, atol=0, equal_nan=True)
