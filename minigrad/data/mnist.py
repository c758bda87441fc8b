"""MNIST and Fashion-MNIST.

MNIST has 70,000 images of handwritten digits, Fashion-MNIST 70,000 images of clothing. Sources: Y. LeCun, C. Cortes and
C. J. C. Burges, The MNIST database of handwritten digits, in the IDX format described there; H. Xiao, K. Rasul and
R. Vollgraf, Fashion-MNIST, arXiv:1708.07747. The digests of MNIST are those of the four original files, uncompressed,
so a file may or may not be compressed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from minigrad.data.dataset import Dataset, Targets, class_targets
from minigrad.data.errors import DataError
from minigrad.data.examples import Examples
from minigrad.data.files import data_home, find
from minigrad.data.idx import WHITE, fractions, idx_header, read_idx, unexpected


class MNIST(Dataset):
    """Handwritten digits, 28 × 28 pixels, ten classes.

    The pixels are scaled to [0, 1]. The last 10,000 of the 60,000 training images are for validation, the customary
    split, whatever the seed, so that results are comparable. The test part is the original one of 10,000 images.

    Args:
        root: the folder of the four IDX files, each with or without `.gz`; by default `mnist` in $MINIGRAD_DATA, or
            else in the user's cache.
        download: whether to download missing files from `MNIST.mirror` into `root`.
        flatten: whether an input is (784,); if False, it is an image (1, 28, 28), channel first.
        targets: the form of class targets (see `minigrad.data.Targets`).

    Raises:
        DataError: if a file is missing, truncated, damaged or not the original, or cannot be fetched.
    """

    mirror: ClassVar[str] = "https://ossci-datasets.s3.amazonaws.com/mnist/"  # PyTorch's, also used by torchvision
    home: ClassVar[str] = "mnist"  # the folder in $MINIGRAD_DATA
    packed: ClassVar[dict[str, str]] = {}  # name: md5 of the mirror's compressed file
    files: ClassVar[dict[str, tuple[tuple[int, ...], str]]] = {  # name: (shape, sha256 of the uncompressed file)
        "train-images-idx3-ubyte": (
            (60_000, 28, 28),
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        "train-labels-idx1-ubyte": ((60_000,), "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
        "t10k-images-idx3-ubyte": (
            (10_000, 28, 28),
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        "t10k-labels-idx1-ubyte": ((10_000,), "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    }
    val_size: ClassVar[int] = 10_000
    _num_classes = 10
    _pixel_max = WHITE
    image_shape = (1, 28, 28)

    def __init__(
        self, root: str | None = None, download: bool = False, flatten: bool = True, targets: Targets = "index"
    ) -> None:
        folder = self._folder(root, download)
        images, labels, test_images, test_labels = (self._load(folder, name, download) for name in self.files)

        def examples(images: np.ndarray, labels: np.ndarray) -> Examples:
            shape = (len(images), -1) if flatten else (len(images), 1, *images.shape[1:])
            return Examples(fractions(images).reshape(shape), class_targets(labels, self.num_classes, targets))

        self.train = examples(images[: -self.val_size], labels[: -self.val_size])
        self.val = examples(images[-self.val_size :], labels[-self.val_size :])
        self.test = examples(test_images, test_labels)

    def _folder(self, root: str | None, download: bool) -> Path:
        """Return the folder of the files, which a download creates if it does not exist."""
        if root is None:
            return data_home() / self.home
        try:
            return find(root)
        except DataError:
            if not download:
                raise
            return Path(root)

    def state_dict(self) -> dict[str, Any]:
        """Return the sizes of the images."""
        return self.sizes()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Load a `state_dict`: the sizes of the images."""
        self._load_sizes(state_dict)

    def _load(self, folder: Path, name: str, download: bool) -> np.ndarray:
        plain, packed = folder / name, folder / f"{name}.gz"
        if not plain.exists() and not packed.exists():
            if not download:
                raise DataError(
                    f"{plain}: no such file, nor with .gz: put the four {type(self).__name__} files there, "
                    f"name their folder as `root`, or fetch them with `download: true`"
                )
            from minigrad.data.download import fetch  # importing urllib takes longer than the rest of this package

            fetch(f"{self.mirror}{packed.name}", packed, lambda part: self._verify(part, name))
        return read_original(plain if plain.exists() else packed, *self.files[name])

    def _verify(self, path: Path, name: str) -> None:
        """Raise DataError if a downloaded file is not the one expected."""
        if name in self.packed:
            digest = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
            if digest != self.packed[name]:
                raise unexpected(path, f"a file with the md5 {self.packed[name]}", digest)
        read_original(path, *self.files[name])


class FashionMNIST(MNIST):
    """Images of clothing, 28 × 28 pixels, ten classes.

    Files and parts are those of `MNIST`. The size of every file is verified. The content is verified only of downloaded
    files, because only the digests of the compressed files are known.

    Args:
        root: the folder of the four IDX files, each with or without `.gz`; by default `fashion-mnist` in
            $MINIGRAD_DATA, or else in the user's cache.
        download: whether to download missing files from `FashionMNIST.mirror` into `root`.
        flatten: whether an input is (784,); if False, it is an image (1, 28, 28), channel first.
        targets: the form of class targets (see `minigrad.data.Targets`).

    Raises:
        DataError: if a file is missing, truncated or of another size, or cannot be fetched.
    """

    mirror = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"  # the authors' mirror; no https
    home = "fashion-mnist"
    packed: ClassVar[dict[str, str]] = {
        "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
    }
    files: ClassVar[dict[str, tuple[tuple[int, ...], str]]] = {
        name: (shape, "") for name, (shape, _) in MNIST.files.items()
    }
    class_names = (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    )


def read_original(path: Path, shape: tuple[int, ...], sha256: str) -> np.ndarray:
    """Return the bytes (uint8) of a verified IDX file.

    Args:
        path: the file, gzip-compressed or not.
        shape: the expected shape.
        sha256: the expected digest of its uncompressed content, in hexadecimal; "" if unknown.

    Raises:
        DataError: naming the file, what was expected, and what was found.
    """
    try:
        content = read_idx(path, shape)
        digest = hashlib.sha256(idx_header(shape))
        digest.update(content.data)
        if sha256 and digest.hexdigest() != sha256:
            found = f"{digest.hexdigest()}: it is damaged, or another file"
            raise unexpected(path, f"content with the sha256 {sha256}", found)
    except DataError as error:
        raise DataError(f"{error}; replace it, or delete it and use `download: true`") from error
    return content
