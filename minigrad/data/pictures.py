"""Image files, read by Pillow."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from minigrad.data.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
"""Suffixes, in lower case, of the images that can be read."""

MOST_PIXELS = 2**26
"""The most pixels of an image; a file of a few kilobytes may claim to have more than fit into memory."""

_FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
_EXPECTED = "expected a whole PNG, JPEG, BMP or WebP image"
_BOMB = (
    f"has more than {MOST_PIXELS:,} pixels: it is refused as it may be meant to fill the memory; if it is yours, make "
    f"it smaller"
)
_GREY = ("1", "L", "LA")
_COLOUR = ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
_ORIENTATION = 0x0112  # EXIF orientations from 5 on are rotated by 90°


@dataclass(frozen=True)
class Header:
    """The header of an image file.

    Attributes:
        height: the height of the image when displayed upright.
        width: its width when displayed upright.
        is_colour: whether it may have colours.
    """

    height: int
    width: int
    is_colour: bool


@contextmanager
def pillow() -> Iterator[None]:
    """Within the block, read images with Pillow, without its warnings.

    Raises:
        DataError: if it is not installed.
    """
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise DataError("reading images needs Pillow: pip install pillow") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def read_header(content: bytes) -> Header:
    """Return the header of an image from its bytes.

    Raises:
        DataError: as `decode`, except for damage after the header.
    """
    with _damage():
        image = _open(content)
        from PIL.Image import Image

        # not PngImageFile.getexif, which reads the whole image
        is_upright = Image.getexif(image).get(_ORIENTATION, 1) < 5
        width, height = image.size if is_upright else image.size[::-1]
        return Header(height, width, image.mode in _COLOUR)


def decode(content: bytes, shape: tuple[int, ...], background: bool = True) -> np.ndarray:
    """Return an image's pixels, uint8 (channels, height, width).

    An image of another size is scaled, with its aspect ratio, to cover the shape, and cropped at the center. It is
    rotated as its EXIF orientation says.

    Args:
        content: the bytes of the file.
        shape: (channels, height, width), with 1 (gray) or 3 channels.
        background: whether transparent areas become white, instead of being refused.

    Raises:
        DataError: for an unknown format or damage, for anything but 8 bits per channel, and for an image that is too
            large.
    """
    channels, height, width = shape
    with _damage():
        from PIL import Image, ImageOps

        image = _open(content)
        if image.width * image.height > MOST_PIXELS:
            raise DataError(_BOMB)
        longest = 2 * max(height, width)
        image.draft(image.mode, (longest, longest))  # decodes a much larger JPEG at down to an eighth of its size
        image = ImageOps.exif_transpose(image)
        if image.mode in ("LA", "PA", "RGBA") or "transparency" in image.info:
            image = image.convert("RGBA")
            if not background and image.getchannel("A").getextrema() != (255, 255):
                raise DataError("expected an image without transparent places; give it a background")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        image = image.convert("L" if channels == 1 else "RGB")
        if image.size != (width, height):
            image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
        return np.moveaxis(np.asarray(image).reshape(height, width, channels), -1, 0)


def write_png(path: Path, pixels: np.ndarray) -> None:
    """Write gray pixels as a PNG file, without Pillow.

    The pixels are uint8 (height, width). The format is ISO/IEC 15948.
    """

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = pixels.shape
    rows = np.pad(pixels, ((0, 0), (1, 0)))  # each row begins with its filter, 0 for none
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows.tobytes())), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))


def _open(content: bytes) -> Image:
    """Return an image of which only the header is read."""
    from PIL import Image, UnidentifiedImageError

    try:
        image = Image.open(BytesIO(content), formats=_FORMATS)
    except UnidentifiedImageError:
        found = "an empty file" if not content else "something else, or damage at its beginning"
        raise DataError(f"{_EXPECTED}, found {found}") from None
    except Image.DecompressionBombError as error:
        raise DataError(_BOMB) from error
    if image.mode not in _GREY + _COLOUR:
        raise DataError(f"expected an image of 8 bits a channel, found Pillow's mode {image.mode}; convert it")
    return image


@contextmanager
def _damage() -> Iterator[None]:
    """Within the block, turn Pillow's errors for damaged files into DataErrors."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # OSError, SyntaxError, ValueError, struct.error, EOFError: by format and version
        raise DataError(f"{_EXPECTED}: {error or type(error).__name__}") from error
