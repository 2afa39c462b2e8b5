"""PixelRNN: the row recurrence against torch's own LSTM, and what a pixel may see."""

from __future__ import annotations

import torch
from models.contract import assert_all_images_sum_to_one, assert_causal, assert_keeps_the_contract, parameters
from torch import nn

from course_utils.models.pixelrnn import PixelRNN, RowLSTM


def test_one_column_is_torchs_lstm():
    """Of an image one pixel wide only the last tap of the input and the middle one of the state are left."""
    torch.manual_seed(0)
    layer, lstm = RowLSTM(6), nn.LSTM(6, 3, batch_first=True)
    torch_order = [0, 1, 3, 2]  # torch's gates are i, f, g, o; ours i, f, o, g
    order = torch.cat([torch.arange(3) + 3 * gate for gate in torch_order])
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(layer.input_to_state.weight[order, :, 0, 2])
        lstm.weight_hh_l0.copy_(layer.state_to_state.weight[order, :, 1])
        lstm.bias_ih_l0.copy_(layer.input_to_state.bias[order])
        lstm.bias_hh_l0.zero_()
    x = torch.randn(2, 6, 5, 1)
    states = lstm(x[..., 0].transpose(1, 2))[0].transpose(1, 2)[..., None]  # (2, 3, 5, 1)
    torch.testing.assert_close(layer(x), x + layer.out(states))


def test_a_pixel_sees_earlier_ones_only():
    assert_causal(PixelRNN(levels=4, channels=8), levels=4)


def test_the_likelihoods_of_all_images_sum_to_one():
    assert_all_images_sum_to_one(PixelRNN(levels=2, channels=8))


def test_it_keeps_the_contract():
    torch.manual_seed(0)
    assert_keeps_the_contract(PixelRNN(channels=16), torch.randint(4, (3, 8, 9)))


def test_parameter_count_and_logits():
    model = PixelRNN()
    assert parameters(model) == 22_436
    assert model(torch.randint(4, (2, 7, 6))).shape == (2, 4, 7, 6)
