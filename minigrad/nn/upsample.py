"""Upsampling layers: interpolation and pixel shuffle."""

from __future__ import annotations

from typing import Literal

from minigrad import ops
from minigrad.arguments import as_choice, as_flag, as_number
from minigrad.engine import Tensor
from minigrad.nn.module import Module
from minigrad.ops.windows import each


class Upsample(Module):
    """Resizing by interpolation.

    Inputs are (N, C, L), (N, C, H, W) or (N, C, D, H, W).

    Args:
        size: the new lengths, one number or one per axis.
        scale_factor: the factor of the lengths, one number or one per axis; the products are rounded down. Give either
            this or `size`.
        mode: "nearest" takes the nearest element; "linear", "bilinear" and "trilinear" interpolate linearly over one,
            two and three axes; "bicubic" interpolates with cubics over two axes.
        align_corners: whether the centers of the corner elements are aligned; otherwise their outer edges are.

    Raises:
        ValueError: for none or both of `size` and `scale_factor`, numbers that are not positive, an unknown mode, or
            `align_corners` with "nearest".
    """

    def __init__(
        self,
        size: int | tuple[int, ...] | None = None,
        scale_factor: float | tuple[float, ...] | None = None,
        mode: Literal["nearest", "linear", "bilinear", "bicubic", "trilinear"] = "nearest",
        align_corners: bool | None = None,
    ) -> None:
        if (size is None) == (scale_factor is None):
            raise ValueError("Upsample takes size or scale_factor, one of the two")
        if size is not None:
            each("size", size, len(size) if isinstance(size, (tuple, list)) else 1)
        if scale_factor is not None:
            for factor in scale_factor if isinstance(scale_factor, (tuple, list)) else [scale_factor]:
                as_number("scale_factor", factor, above=0, at_most=2**20)
        self.size = size
        self.scale_factor = scale_factor
        self.mode: ops.interpolation.Mode = as_choice("mode", mode, ("nearest", *ops.interpolation.AXES))
        self.align_corners = None if align_corners is None else as_flag("align_corners", align_corners)
        if mode == "nearest" and align_corners is not None:
            raise ValueError("align_corners is for modes that draw lines between elements, and mode is 'nearest'")

    def forward(self, x: Tensor) -> Tensor:
        """Return x, resized.

        Raises:
            ValueError: if x does not have the number of axes that the mode requires.
        """
        return ops.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners)

    def extra_repr(self) -> str:
        """The size and the mode."""
        size = f"scale_factor={self.scale_factor}" if self.size is None else f"size={self.size}"
        return f"{size}, mode={self.mode!r}"


class PixelShuffle(Module):
    """Pixel shuffle: channels become pixels.

    (..., C · r², H, W) becomes (..., C, H · r, W · r) (Shi et al., arXiv:1609.05158).

    Args:
        upscale_factor: r, the factor by which the image is enlarged.

    Raises:
        ValueError: if it is below 1.
    """

    def __init__(self, upscale_factor: int) -> None:
        (self.upscale_factor,) = each("upscale_factor", upscale_factor, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the larger image.

        Raises:
            ValueError: if the number of channels is not a multiple of r².
        """
        return ops.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        """The factor."""
        return f"upscale_factor={self.upscale_factor}"
