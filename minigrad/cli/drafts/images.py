"""Draft configs for images: class folders, and MNIST's IDX files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.cli.drafts.draft import Draft, batches, epochs, join_names, layers
from minigrad.data import DataError
from minigrad.data.errors import Findings
from minigrad.data.idx import read_idx
from minigrad.data.image_files import list_pictures, read_headers
from minigrad.data.pictures import SUFFIXES

_LARGEST = 64
"""Images with edges up to this many pixels keep their size."""
_SMALLEST = 8
"""Pooling layers halve edges of at least this many pixels."""
_WIDTHS = (16, 32, 64)
_TEST = re.compile(r"t10k|test|val|eval", re.I)


def draft_images(folder: Path) -> Draft:
    """Return a draft for a folder of images.

    Raises:
        DataError: for broken files, all at once, and for a folder without classes.
    """
    findings = Findings(str(folder))
    listed_pictures = list_pictures(folder, findings)
    findings.check()
    pictures = [picture for part in listed_pictures.values() for picture in part]
    headers, _ = read_headers(pictures, folder, findings)
    findings.check()
    names = sorted({picture.label for picture in pictures})
    sizes = {(header.height, header.width) for header in headers.values()}
    options: dict[str, Any] = {"path": folder}
    height, width = max(sizes) if len(sizes) == 1 else (_LARGEST, _LARGEST)
    assumed = [("classes", f"{join_names(names)}: {len(pictures):,} images")]
    if len(sizes) > 1 or max(height, width) > _LARGEST:
        least = min(min(size) for size in sizes)
        height = width = min(_LARGEST, max(_SMALLEST, least))
        options["size"] = height
        what = f"{len(sizes)} sizes" if len(sizes) > 1 else f"all {max(sizes)[1]} × {max(sizes)[0]}"
        assumed.append(("size", f"{what}: scaled and center-cropped to {height} × {height} pixels"))
    else:
        assumed.append(("size", f"{width} × {height} pixels, as they are"))
    parts = [part for part, found in listed_pictures.items() if found]
    if parts != ["train"]:
        assumed.append(("parts", f"{', '.join(parts)} have folders; other splits are drawn from the training images"))
    shift = max(1, min(height, width) // 16)
    options["augment"] = [{"Crop": shift}]
    examples = max(1, int(len(listed_pictures["train"]) * (0.6 + 0.2 * (len(parts) - 1))))
    size = batches(examples, 64)
    path = pictures[0].path
    return Draft(
        title=f"A small convolutional network on the images in {folder.name}.",
        dataset="ImageFolder",
        options=options,
        model=layers(*_convolutions(height, width)),
        loss="CrossEntropyLoss",
        metrics=["Accuracy"],
        batch_size=size,
        trainer=epochs(examples, size, 400),
        comments={
            "size": "images of other sizes are scaled and cropped to this",
            "augment": "shifts training images at random; minigrad list Augmentation shows others",
        },
        assumed=assumed,
        sample=path,
    )


def _convolutions(height: int, width: int) -> list[str]:
    """Return layers that halve the images while they are large, then classify."""
    found: list[str] = []
    channels = '"${data.num_channels}"'
    for outputs in _WIDTHS:
        if min(height, width) < _SMALLEST and found:
            break
        found += [f"Conv2d: {{in_channels: {channels}, out_channels: {outputs}, kernel_size: 3, padding: 1}}", "ReLU"]
        channels = str(outputs)
        if min(height, width) >= 2:
            found.append("MaxPool2d: 2")
            height, width = height // 2, width // 2
    last = int(channels) * height * width
    return [*found, "Flatten", "Dropout: 0.1", f'Linear: [{last}, "${{data.num_classes}}"]']


def is_image_folder(folder: Path) -> bool:
    """Whether a folder has images one or two levels below."""
    return any(path.suffix.lower() in SUFFIXES for path in (*folder.glob("*/*"), *folder.glob("*/*/*")))


def is_idx(path: Path) -> bool:
    """Whether a file is an IDX file, perhaps compressed."""
    if path.is_dir() or not re.search(r"idx\d|ubyte", path.name):
        return False
    try:
        read_idx(path)
    except DataError:
        return False
    return True


def draft_idx(path: Path) -> Draft:
    """Return a draft for IDX files.

    Args:
        path: a folder of them, or a file of images whose labels are next to it.

    Raises:
        DataError: if it is not clear which labels belong to which images.
    """
    folder = path if path.is_dir() else path.parent
    arrays = {each: read_idx(each) for each in sorted(folder.iterdir()) if is_idx(each)}
    images = {each: array for each, array in arrays.items() if array.ndim in (3, 4)}
    if path in images:
        images = {each: array for each, array in images.items() if each == path or _TEST.search(each.name)}
    train = [each for each in images if not _TEST.search(each.name)]
    test = [each for each in images if _TEST.search(each.name)]
    if len(train) != 1 or len(test) > 1:
        there = ", ".join(f"{each.name} {array.shape}" for each, array in arrays.items()) or "none"
        raise DataError(f"{folder}: expected IDX files of training images, and optionally test images; found {there}")
    options: dict[str, Any] = {"images": train[0], "labels": _labels_of(train[0], arrays)}
    if test:
        options |= {"test_images": test[0], "test_labels": _labels_of(test[0], arrays)}
    pixels = images[train[0]]
    classes = len(np.unique(arrays[options["labels"]]))
    examples = int(0.9 * len(pixels)) or 1
    size = batches(examples, 128)
    return Draft(
        title=f"Two layers on the images of {train[0].name}.",
        dataset="IDX",
        options=options,
        model=layers(
            'Linear: ["${data.num_features}", 128]', "ReLU", "Dropout: 0.1",
            'Linear: [128, "${data.num_classes}"]',
        ),
        loss="CrossEntropyLoss",
        metrics=["Accuracy"],
        batch_size=size,
        trainer=epochs(examples, size, 3000),
        assumed=[
            ("images", f"{len(pixels):,} of {' × '.join(map(str, pixels.shape[1:]))} pixels, {classes} classes"),
            ("labels", options["labels"].name),
            ("test", f"{test[0].name}, {len(images[test[0]]):,} images" if test else "drawn from the last images"),
        ],
        sample=test[0] if test else train[0],
    )  # fmt: skip


def _labels_of(images: Path, arrays: Mapping[Path, np.ndarray]) -> Path:
    """Return the file with as many labels, by its name or because it is the only one."""
    count = len(arrays[images])
    fitting = [each for each, array in arrays.items() if array.ndim == 1 and len(array) == count]
    named = re.sub("images?", "labels", images.name.replace("idx3", "idx1").replace("idx4", "idx1"))
    by_name = [each for each in fitting if each.name.removesuffix(".gz") == named.removesuffix(".gz")]
    if len(by_name or fitting) != 1:
        raise DataError(
            f"{images}: expected one IDX file with its {count:,} labels next to it, named {named}, found {len(fitting)}"
        )
    return (by_name or fitting)[0]
