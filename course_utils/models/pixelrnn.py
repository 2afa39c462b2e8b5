"""PixelRNN of the Row LSTM kind: a recurrence that runs down the rows; van den Oord et al. 2016, section 3.1."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.models.pixelcnn import PixelCNN


class RowLSTM(nn.Module):
    """x + an LSTM over the rows of (b, channels, h, w), all pixels of a row at once.

    The gates come from the pixel and the two to its left (input-to-state) and from three of the row above
    (state-to-state); the state has half of the channels.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.width = channels // 2
        self.input_to_state = nn.Conv2d(channels, 4 * self.width, (1, 3))
        self.state_to_state = nn.Conv1d(self.width, 4 * self.width, 3, padding=1, bias=False)
        self.out = nn.Conv2d(self.width, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.input_to_state(F.pad(x, (2, 0))).unbind(dim=2)  # h of (b, 4·width, w)
        h = c = rows[0].new_zeros(x.shape[0], self.width, x.shape[-1])
        states = []
        for row in rows:
            i, f, o, g = (row + self.state_to_state(h)).chunk(4, dim=1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            states.append(h)
        return x + self.out(torch.stack(states, dim=2))


class PixelRNN(PixelCNN):
    """A PixelCNN whose blocks are recurrent: each pixel sees a triangle of all rows above it.

    Args:
        levels: Values of a pixel.
        channels: Of the trunk.
        layers: Row LSTMs.
    """

    def __init__(self, levels: int = 4, channels: int = 32, layers: int = 2):
        super().__init__(levels, channels, blocks=0)
        self.blocks = nn.Sequential(*(RowLSTM(channels) for _ in range(layers)))


NETWORK = PixelRNN
