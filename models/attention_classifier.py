"""An image classifier with self-attention over patches.

It is a vision transformer (Dosovitskiy et al., "An image is worth 16x16 words", arXiv:2010.11929), except that its
scores are computed from the concatenated patches: for small images, this works better than their mean or a class token.
In a config: `model: {AttentionClassifier: {image_size: 8, patch_size: 2, num_classes: 10}}`.
"""

from minigrad import Tensor
from minigrad.nn import (
    LayerNorm,
    LearnedPositionalEmbedding,
    Linear,
    Module,
    TransformerEncoder,
    TransformerEncoderLayer,
)


class AttentionClassifier(Module):
    """A transformer encoder over image patches.

    Maps square images (N, channels, size, size), or their pixels in rows, to scores (N, num_classes).

    Args:
        image_size: the edge of an image in pixels.
        patch_size: the edge of a patch in pixels, a divisor of image_size.
        num_classes: the number of classes.
        channels: the number of channels.
        d_model: the embedding dimension, a multiple of nhead.
        nhead: the number of attention heads.
        num_layers: the number of encoder layers.
        dropout: the dropout probability.

    Raises:
        ValueError: if a size is not a multiple of its divisor.
    """

    def __init__(
        self,
        image_size: int,
        patch_size: int,
        num_classes: int,
        channels: int = 1,
        d_model: int = 32,
        nhead: int = 4,
        num_layers: int = 2,
        dropout: float = 0.0,
    ) -> None:
        if patch_size < 1 or image_size < 1 or image_size % patch_size:
            raise ValueError(f"image_size must be a multiple of patch_size={patch_size}, got {image_size}")
        side = image_size // patch_size
        self.cut = (channels, side, patch_size, side, patch_size)
        self.embedding = Linear(channels * patch_size**2, d_model)
        self.position = LearnedPositionalEmbedding(side**2, d_model)
        layer = TransformerEncoderLayer(d_model, nhead, 2 * d_model, dropout, "gelu", norm_first=True)
        self.encoder = TransformerEncoder(layer, num_layers, LayerNorm(d_model))
        self.head = Linear(side**2 * d_model, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores.

        Raises:
            ValueError: for another image size.
        """
        x = self.encoder(self.position(self.embedding(self.patches(x))))
        return self.head(x.reshape((len(x), -1)))

    def patches(self, x: Tensor) -> Tensor:
        """Return the patches' pixels, (N, patches, channels · patch_size²)."""
        channels, side, size, _, _ = self.cut
        if x.size != len(x) * channels * (side * size) ** 2:
            raise ValueError(f"expected images (N, {channels}, {side * size}, {side * size}), got {x.shape}")
        parts = x.reshape((len(x), *self.cut)).transpose((0, 2, 4, 1, 3, 5))
        return parts.reshape((len(x), side**2, channels * size**2))
