import gzip
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import MNIST, DataError, FashionMNIST
from minigrad.data.mnist import read_original

from .conftest import idx

_HOME = os.environ.get("MINIGRAD_DATA")
needs_mnist = pytest.mark.skipif(
    not _HOME or not Path(_HOME, "mnist").is_dir(), reason="needs the MNIST files in $MINIGRAD_DATA/mnist"
)


_generator = np.random.default_rng(0)
ARRAYS = {
    "train-images-idx3-ubyte": _generator.integers(0, 256, (30, 28, 28), dtype=np.uint8),
    "train-labels-idx1-ubyte": _generator.integers(0, 10, 30, dtype=np.uint8),
    "t10k-images-idx3-ubyte": _generator.integers(0, 256, (10, 28, 28), dtype=np.uint8),
    "t10k-labels-idx1-ubyte": _generator.integers(0, 10, 10, dtype=np.uint8),
}
IMAGES = "train-images-idx3-ubyte"


class SmallMNIST(MNIST):
    """Forty images that are made here, in the four files of the real one."""

    files = {name: (array.shape, hashlib.sha256(idx(array)).hexdigest()) for name, array in ARRAYS.items()}  # noqa: RUF012
    val_size = 5


class SmallFashion(FashionMNIST):
    """Forty images in the files of Fashion-MNIST, whose digests are those of the packed files."""

    files = {name: (array.shape, "") for name, array in ARRAYS.items()}  # noqa: RUF012
    packed = {name: hashlib.md5(gzip.compress(idx(array), mtime=0)).hexdigest() for name, array in ARRAYS.items()}  # noqa: RUF012
    val_size = 5


@pytest.fixture
def root(tmp_path):
    for name, array in ARRAYS.items():
        (tmp_path / name).write_bytes(idx(array))
    return tmp_path


def test_the_last_training_images_are_for_validation(root):
    data = SmallMNIST(str(root))
    assert [len(data.train), len(data.val), len(data.test)] == [25, 5, 10]
    np.testing.assert_array_equal(data.val.targets, ARRAYS["train-labels-idx1-ubyte"][-5:])
    np.testing.assert_array_equal(data.test.targets, ARRAYS["t10k-labels-idx1-ubyte"])


def test_pixels_are_scaled_as_torchvision_scales_them(root):
    data = SmallMNIST(str(root))
    assert (data.train.inputs.dtype, data.train.targets.dtype) == (np.float32, np.int64)
    expected = ARRAYS[IMAGES][:25].reshape(25, 784).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(data.train.inputs, expected)


def test_images_have_a_channel_and_the_same_pixels(root):
    flat, images = SmallMNIST(str(root)), SmallMNIST(str(root), flatten=False)
    assert (flat.input_shape, images.input_shape, images.num_classes) == ((784,), (1, 28, 28), 10)
    np.testing.assert_array_equal(images.val.inputs.reshape(5, 784), flat.val.inputs)


def test_one_hot_targets_mark_the_label(root):
    targets = SmallMNIST(str(root), targets="one_hot").test.targets
    np.testing.assert_array_equal(targets, np.eye(10, dtype=np.float32)[ARRAYS["t10k-labels-idx1-ubyte"]])


def test_files_may_be_compressed(root):
    plain = SmallMNIST(str(root))
    (root / f"{IMAGES}.gz").write_bytes(gzip.compress((root / IMAGES).read_bytes(), compresslevel=1))
    (root / IMAGES).unlink()
    np.testing.assert_array_equal(SmallMNIST(str(root)).train.inputs, plain.train.inputs)


def test_the_files_are_looked_for_in_the_folder_of_large_data(root, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DATA", str(root))
    (root / "mnist").mkdir()
    for name in ARRAYS:
        (root / name).rename(root / "mnist" / name)
    assert len(SmallMNIST().train) == 25


def test_a_missing_file_is_named_with_the_ways_to_get_it(root):
    (root / IMAGES).unlink()
    with pytest.raises(DataError, match=f"{IMAGES}: no such file, nor with .gz.*`root`.*`download: true`"):
        SmallMNIST(str(root))


def refusal(root: Path, content: bytes) -> str:
    """What is said when the training images hold `content`."""
    (root / IMAGES).write_bytes(content)
    with pytest.raises(DataError) as error:
        SmallMNIST(str(root))
    assert str(error.value).startswith(str(root / IMAGES))
    return str(error.value)


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_a_damaged_file_is_refused_by_its_digest(root, compress):
    content = bytearray(idx(ARRAYS[IMAGES]))
    content[5000] ^= 1
    message = refusal(root, compress(bytes(content)))
    assert f"expected content with the sha256 {SmallMNIST.files[IMAGES][1]}" in message
    assert hashlib.sha256(content).hexdigest() in message


@pytest.mark.parametrize("length", [0, 3, 10, 16, 20_000])
def test_a_truncated_file_is_refused_with_both_sizes(root, length):
    message = refusal(root, idx(ARRAYS[IMAGES])[:length])
    assert f"expected 23,536 bytes, uncompressed, found {length:,}: it is truncated" in message


def test_a_truncated_gzip_file_is_refused(root):
    message = refusal(root, gzip.compress(idx(ARRAYS[IMAGES]))[:15_000])
    assert "expected 23,536 bytes, uncompressed, found " in message
    assert "truncated" in message


def test_a_damaged_gzip_file_is_refused(root):
    packed = bytearray(gzip.compress(idx(ARRAYS["train-labels-idx1-ubyte"])))
    packed[12:20] = b"\xff" * 8
    assert "expected a gzip file, found damage" in refusal(root, bytes(packed))


def test_a_file_that_is_too_long_is_refused(root):
    assert "expected 23,536 bytes, uncompressed, found more" in refusal(root, idx(ARRAYS[IMAGES]) + b"x")


def test_another_kind_of_file_is_refused_by_its_magic_number(root):
    labels = idx(ARRAYS["train-labels-idx1-ubyte"])
    assert "expected the magic number 0x00000803, found 0x00000801" in refusal(root, labels)


def test_images_of_another_number_are_refused_by_their_shape(root):
    test_images = idx(ARRAYS["t10k-images-idx3-ubyte"])
    assert "expected the shape (30, 28, 28), found (10, 28, 28)" in refusal(root, test_images)


def test_missing_files_are_downloaded_and_verified(mirror, root, monkeypatch):
    monkeypatch.setattr(SmallMNIST, "mirror", mirror.url)
    for name in list(ARRAYS)[:2]:
        mirror.files[f"{name}.gz"] = gzip.compress((root / name).read_bytes())
        (root / name).unlink()
    data = SmallMNIST(str(root), download=True)
    np.testing.assert_array_equal(data.val.targets, ARRAYS["train-labels-idx1-ubyte"][-5:])
    assert [name for name, _ in mirror.asked] == [f"{name}.gz" for name in list(ARRAYS)[:2]]
    SmallMNIST(str(root))  # they stay, and need no second transfer


def test_a_wrong_download_is_refused_and_leaves_nothing(mirror, root, monkeypatch):
    monkeypatch.setattr(SmallMNIST, "mirror", mirror.url)
    mirror.files[f"{IMAGES}.gz"] = gzip.compress(idx(ARRAYS[IMAGES] ^ 1))
    (root / IMAGES).unlink()
    with pytest.raises(DataError, match=r"does not give the right file, and it was deleted: .*sha256"):
        SmallMNIST(str(root), download=True)
    assert sorted(path.name for path in root.iterdir()) == sorted(set(ARRAYS) - {IMAGES})


@needs_mnist
def test_the_real_mnist_has_its_known_contents():
    data = MNIST()
    assert [len(data.train), len(data.val), len(data.test)] == [50_000, 10_000, 10_000]
    np.testing.assert_array_equal(data.train.targets[:10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4])
    np.testing.assert_array_equal(data.test.targets[:10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9])
    pixels = np.concatenate([data.train.inputs, data.val.inputs])
    assert pixels.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)  # as in PyTorch's MNIST example
    assert pixels.std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)


@needs_mnist
def test_the_pinned_digests_are_those_of_the_original_files():
    path = Path(_HOME or "", "mnist", f"{IMAGES}.gz")
    images = read_original(path, *MNIST.files[IMAGES])
    assert hashlib.md5(idx(images)).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"


def test_fashion_has_the_parts_of_mnist_and_names_its_classes(root, monkeypatch):
    data = SmallFashion(str(root))
    assert [len(data.train), len(data.val), len(data.test)] == [25, 5, 10]
    assert (data.class_names[0], data.class_names[9], data.num_classes) == ("T-shirt/top", "Ankle boot", 10)
    (root / "data").mkdir()
    monkeypatch.setenv("MINIGRAD_DATA", str(root / "data"))
    with pytest.raises(DataError, match=r"fashion-mnist.*put the four SmallFashion files there"):
        SmallFashion()


def test_the_sizes_of_fashion_are_verified(root):
    (root / IMAGES).write_bytes((root / IMAGES).read_bytes()[:-1])
    with pytest.raises(DataError, match="it is truncated"):
        SmallFashion(str(root))


def test_fashion_is_fetched_with_its_content_verified(tmp_path, mirror, monkeypatch):
    mirror.files = {f"{name}.gz": gzip.compress(idx(array), mtime=0) for name, array in ARRAYS.items()}
    monkeypatch.setattr(SmallFashion, "mirror", mirror.url)
    np.testing.assert_array_equal(
        SmallFashion(str(tmp_path), download=True).test.targets, ARRAYS["t10k-labels-idx1-ubyte"]
    )
    (tmp_path / f"{IMAGES}.gz").unlink()
    mirror.files[f"{IMAGES}.gz"] = gzip.compress(idx(255 - ARRAYS[IMAGES]), mtime=0)
    with pytest.raises(DataError, match=r"does not give the right file.*expected a file with the md5"):
        SmallFashion(str(tmp_path), download=True)
    assert not (tmp_path / f"{IMAGES}.gz").exists()
