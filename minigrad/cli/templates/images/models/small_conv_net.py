"""A small convolutional network, `model: {SmallConvNet: {...}}` in a config."""

from minigrad import Tensor
from minigrad.nn import Conv2d, Dropout, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential


class SmallConvNet(Module):
    """Images (N, channels, image_size, image_size) to scores (N, num_classes).

    Args:
        channels: 1 for grayscale, 3 for color.
        image_size: edge in pixels, a multiple of 4.
        num_classes: the number of scores.
        width: channels after the first convolution; the second doubles them.
        dropout: probability of dropping a feature in training.

    Raises:
        ValueError: if image_size is not a multiple of 4.
    """

    def __init__(self, channels: int, image_size: int, num_classes: int, width: int = 16, dropout: float = 0.1) -> None:
        if image_size < 4 or image_size % 4:
            raise ValueError(f"image_size must be a multiple of 4, got {image_size}")
        self.features = Sequential(
            Conv2d(channels, width, 3, padding=1), ReLU(), MaxPool2d(2),
            Conv2d(width, 2 * width, 3, padding=1), ReLU(), MaxPool2d(2),
        )  # fmt: skip
        side = image_size // 4
        self.head = Sequential(Flatten(), Dropout(dropout), Linear(2 * width * side * side, num_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores."""
        return self.head(self.features(x))
