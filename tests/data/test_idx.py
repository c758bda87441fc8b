import gzip
import mmap
from pathlib import Path

import numpy as np
import pytest

from minigrad.data import IDX, DataError
from minigrad.data.idx import Images

from .test_mnist import idx, needs_mnist

_generator = np.random.default_rng(1)
IMAGES = _generator.integers(0, 256, (40, 5, 4), dtype=np.uint8)
LABELS = np.arange(40, dtype=np.uint8) % 3
TEST_IMAGES = _generator.integers(0, 256, (9, 5, 4), dtype=np.uint8)
TEST_LABELS = np.arange(9, dtype=np.uint8) % 3


@pytest.fixture
def folder(tmp_path):
    arrays = {"images": IMAGES, "labels": LABELS, "test_images": TEST_IMAGES, "test_labels": TEST_LABELS}
    for name, array in arrays.items():
        (tmp_path / name).write_bytes(idx(array))
    return tmp_path


def load(folder: Path, *names: str, **options) -> IDX:
    return IDX(*(str(folder / name) for name in names or ("images", "labels")), **options)


def refusal(folder: Path, *names: str, **options) -> str:
    with pytest.raises(DataError) as error:
        load(folder, *names, **options)
    return str(error.value)


def test_the_last_images_are_for_validation_and_test(folder):
    data = load(folder, val_fraction=0.25, test_fraction=0.1)
    assert [len(data.train), len(data.val), len(data.test)] == [26, 10, 4]
    np.testing.assert_array_equal(data.val.targets, LABELS[26:36])
    np.testing.assert_array_equal(data.test.batch(slice(None))[0], IMAGES[36:].reshape(4, 20) / np.float32(255))


def test_files_for_the_test_leave_the_training_images_alone(folder):
    data = load(folder, "images", "labels", "test_images", "test_labels", val_fraction=0.25)
    assert [len(data.train), len(data.val), len(data.test)] == [30, 10, 9]
    np.testing.assert_array_equal(data.test.batch(slice(None))[0], TEST_IMAGES.reshape(9, 20) / np.float32(255))


def test_a_batch_has_the_pixels_as_fractions(folder):
    inputs, targets = load(folder).train.batch(np.array([7, 3, 3]))
    assert (inputs.dtype, targets.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(inputs, IMAGES[[7, 3, 3]].reshape(3, 20) / np.float32(255))
    np.testing.assert_array_equal(targets, LABELS[[7, 3, 3]])


def test_images_have_a_channel_where_they_are_not_flattened(folder):
    data = load(folder, flatten=False)
    assert (data.input_shape, data.image_shape, data.num_classes) == ((1, 5, 4), (1, 5, 4), 3)
    assert load(folder).image_shape == (1, 5, 4)


def test_colours_come_first(folder):
    (folder / "images").write_bytes(idx(IMAGES.reshape(40, 1, 5, 4).repeat(3, axis=1)))
    assert load(folder, flatten=False).input_shape == load(folder).image_shape == (3, 5, 4)
    (folder / "images").write_bytes(idx(IMAGES.reshape(40, 5, 4, 1)))
    assert load(folder, flatten=False).image_shape is None


def test_a_plain_file_is_mapped_and_a_compressed_one_unpacked(folder):
    plain = load(folder).train
    assert isinstance(plain, Images)
    assert isinstance(plain._file, mmap.mmap)
    (folder / "images.gz").write_bytes(gzip.compress(idx(IMAGES)))
    packed = load(folder, "images.gz", "labels").train
    assert packed._file is None
    for part in (slice(2, 5), np.array([0, 31])):
        np.testing.assert_array_equal(packed.batch(part)[0], plain.batch(part)[0])


def test_raw_images_are_prepared_as_those_of_the_file(folder):
    data = load(folder)
    np.testing.assert_array_equal(data.prepare(IMAGES[:3]), data.train.batch(slice(3))[0])
    with pytest.raises(DataError, match="pixels are whole numbers from 0 to 255"):
        data.prepare(IMAGES[:3].astype(np.int64) + 200)


def test_labels_of_another_number_are_refused(folder):
    assert "labels: holds 9 labels, and " in refusal(folder, "images", "test_labels")


def test_files_in_the_wrong_places_are_refused_by_their_axes(folder):
    assert "expected images, (N, height, width) or (N, channels, height, width), found (40,)" in refusal(
        folder, "labels", "images"
    )
    assert "expected the classes of images, (N,), found (40, 5, 4)" in refusal(folder, "images", "images")


@pytest.mark.parametrize("shape", [(0, 5, 4), (40, 0, 4)])
def test_a_file_without_a_pixel_is_refused(folder, shape):
    (folder / "images").write_bytes(idx(np.empty(shape, np.uint8)))
    assert f"expected images, (N, height, width) or (N, channels, height, width), found {shape}" in refusal(folder)


def test_test_images_of_another_size_are_refused(folder):
    (folder / "test_images").write_bytes(idx(TEST_IMAGES[:, :4]))
    message = refusal(folder, "images", "labels", "test_images", "test_labels")
    assert "expected images of shape (5, 4) as in " in message
    assert message.endswith("found (4, 4)")


def test_one_of_two_files_for_the_test_is_refused(folder):
    assert "test_images and test_labels belong together" in refusal(folder, "images", "labels", "test_images")


def test_images_sorted_by_class_are_refused_with_the_remedy(folder):
    (folder / "labels").write_bytes(idx(np.repeat(np.arange(8, dtype=np.uint8), 5)))
    message = refusal(folder)
    assert "class 7 is not among the first 32 images" in message
    assert "random order" in message


@pytest.mark.parametrize("fractions", [(0, 0.1), (0.1, 0), (0.5, 0.5), (-0.1, 0.1), (2, 0.1)])
def test_fractions_that_leave_a_part_empty_are_refused(folder, fractions):
    val_fraction, test_fraction = fractions
    assert "holds 40 images, and these fractions leave a part empty" in refusal(
        folder, val_fraction=val_fraction, test_fraction=test_fraction
    )


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "found an empty file"),
        (b"\x89PNG", "found 0x89504e47"),
        (idx(IMAGES)[:2] + b"\x0d" + idx(IMAGES)[3:], "found 0x00000d03"),  # float32, in the same format
        (idx(IMAGES)[:9], "expected the lengths of 3 axes, found the end of the file: it is truncated"),
        (idx(IMAGES)[:-1], "expected 816 bytes, uncompressed, found 815: it is truncated"),
        (idx(IMAGES) + b"x", "expected 816 bytes, uncompressed, found more"),
        (gzip.compress(idx(IMAGES), mtime=0)[:12] + b"\xff" * 9, "expected a gzip file, found damage"),
    ],
)
def test_another_kind_of_file_is_refused(folder, content, found):
    (folder / "images").write_bytes(content)
    message = refusal(folder)
    assert message.startswith(str(folder / "images"))
    assert found in message


def test_a_missing_file_is_named(folder):
    assert refusal(folder, "nothing", "labels").startswith(f"{folder / 'nothing'}: no such file")


@needs_mnist
def test_the_real_files_of_mnist_are_read_from_the_folder_of_large_data():
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    data = IDX(*(f"mnist/{name}.gz" for name in names), val_fraction=1 / 6)
    assert [len(data.train), len(data.val), len(data.test)] == [50_000, 10_000, 10_000]
    np.testing.assert_array_equal(data.test.targets[:5], [7, 2, 1, 0, 4])


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_images_to_predict_are_read_from_files_of_the_same_format(pack, folder):
    path = folder / "new"
    path.write_bytes(pack(idx(IMAGES[:3])))
    expected = IMAGES[:3].reshape(3, 20) / np.float32(255)
    np.testing.assert_array_equal(load(folder).read_inputs(path), expected)
    path.write_bytes(pack(idx(np.zeros((3, 4, 4), np.uint8))))
    with pytest.raises(DataError, match=r"new: expected inputs of shape"):
        load(folder).read_inputs(path)
