"""A small convolutional classifier of digits: it measures samples, and its features carry the kernel distance."""

from __future__ import annotations

from torch import Tensor, nn


class Classifier(nn.Module):
    """Four convolutions and two linear layers for images (b, channels, 28, 28) in [0, 1].

    Args:
        channels: Of the images.
        num_classes: Number of logits.
        width: Channels after the first convolution.
    """

    def __init__(self, channels: int = 1, num_classes: int = 10, width: int = 32):
        super().__init__()

        def stage(c_in: int, c_out: int) -> list[nn.Module]:
            return [nn.Conv2d(c_in, c_out, 3, padding=1), nn.BatchNorm2d(c_out), nn.ReLU(),
                    nn.Conv2d(c_out, c_out, 3, padding=1), nn.BatchNorm2d(c_out), nn.ReLU(), nn.MaxPool2d(2)]

        self.trunk = nn.Sequential(*stage(channels, width), *stage(width, 2 * width), nn.Flatten(), nn.Dropout(0.3),
                                   nn.Linear(2 * width * 7 * 7, 64), nn.ReLU())
        self.head = nn.Linear(64, num_classes)

    def features(self, images: Tensor) -> Tensor:
        """(b, 64) features before the logits."""
        return self.trunk(images)

    def forward(self, images: Tensor) -> Tensor:
        """(b, num_classes) logits."""
        return self.head(self.features(images))


NETWORK = Classifier
