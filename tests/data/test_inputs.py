import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad.data
from minigrad.data import MNIST, DataError, Dataset, Digits, Examples, Moons


class Tokens(Dataset):
    """Inputs that are whole numbers."""

    def __init__(self) -> None:
        self.train = self.val = self.test = Examples(np.zeros((3, 4), np.int64), np.zeros(3))


class ColourImages(Dataset):
    _pixel_max = 255

    def __init__(self) -> None:
        self.train = self.val = self.test = Examples(np.zeros((2, 3, 4, 5), np.float32), np.zeros(2))


@pytest.fixture
def saved(tmp_path):
    def save(content, name="inputs.npy"):
        path = tmp_path / name
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        elif isinstance(content, bytes):
            path.write_bytes(content)
        else:
            np.save(path, content)
        return path

    return save


@pytest.fixture
def png(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="PNG images need Pillow")

    def save(pixels, mode=None):
        image.fromarray(pixels).convert(mode).save(tmp_path / "image.png")
        return tmp_path / "image.png"

    return save


def refusal(data, path):
    with pytest.raises(DataError) as error:
        data.read_inputs(path)
    return str(error.value).removeprefix(str(path))


def raw_digits():
    with np.load(Path(minigrad.data.__file__).with_name("digits.npz")) as file:
        return file["images"]


@pytest.mark.parametrize("flatten", [True, False])
def test_raw_digits_are_prepared_as_the_dataset_prepares_its_own(flatten, saved):
    data, images = Digits(flatten=flatten), raw_digits()
    prepared = data.read_inputs(saved(images))
    expected = np.concatenate([part.inputs for part in (data.train, data.val, data.test)])
    assert {row.tobytes() for row in prepared} == {row.tobytes() for row in expected}
    for raw in (images.reshape(-1, 64), images[:, np.newaxis], images / 16):
        np.testing.assert_array_equal(data.prepare(raw), prepared)


def test_one_example_may_come_without_the_axis_of_examples():
    np.testing.assert_array_equal(Digits().prepare(raw_digits()[0]), Digits().prepare(raw_digits()[:1]))


def test_pixels_of_mnist_are_scaled_by_255():
    class Small(MNIST):
        def __init__(self) -> None:
            self.train = Examples(np.zeros((1, 784), np.float32), np.zeros(1))

    assert Small().prepare(np.full((2, 28, 28), 51, np.uint8)).tolist() == [[np.float32(0.2)] * 784] * 2


def test_inputs_that_are_no_images_keep_their_values(saved):
    prepared = Moons().read_inputs(saved("x,y\n1,-2.5\n1e3,0\n", "points.csv"))
    np.testing.assert_array_equal(prepared, np.array([[1, -2.5], [1000, 0]], np.float32))
    assert prepared.dtype == np.float32
    np.testing.assert_array_equal(Moons().read_inputs(saved("1,2\n", "points.csv")), [[1, 2]])


def test_a_png_is_what_its_pixels_are(png):
    gray = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
    expected = (gray / 255).astype(np.float32).reshape(1, 64)
    for mode in ("L", "RGB", "RGBA"):
        np.testing.assert_array_equal(Digits().read_inputs(png(gray, mode)), expected)
    colours = np.random.default_rng(0).integers(256, size=(4, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        ColourImages().read_inputs(png(colours)), (np.moveaxis(colours, -1, 0)[np.newaxis] / 255).astype(np.float32)
    )


def test_a_png_that_does_not_fit_is_refused_with_the_remedy(png, saved):
    assert refusal(Digits(), png(np.zeros((8, 9), np.uint8))) == (
        ": expected an image of 8 × 8 pixels, got 9 × 8; resize it"
    )
    assert "expected an image of 8 bits a channel" in refusal(Digits(), png(np.zeros((8, 8), np.uint16)))
    transparent = np.zeros((8, 8, 4), np.uint8)
    assert "without transparent places; give it a background" in refusal(Digits(), png(transparent))
    assert "expected a whole PNG, JPEG, BMP or WebP image" in refusal(Digits(), saved(b"GIF89a", "image.png"))
    whole = png(np.zeros((8, 8), np.uint8)).read_bytes()
    assert "expected a whole PNG, JPEG, BMP or WebP image" in refusal(Digits(), saved(whole[:45], "image.png"))


def test_without_pillow_a_png_says_what_to_install(monkeypatch, saved):
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert "reading images needs Pillow: pip install pillow" in refusal(Digits(), saved(b"", "image.png"))


@pytest.mark.parametrize(
    ("data", "array", "message"),
    [
        (Digits(), np.zeros((3, 63)), "expected inputs of shape (N, 64) or (N, 8, 8) or (N, 1, 8, 8), got (3, 63)"),
        (Digits(), np.zeros((0, 64)), "got (0, 64)"),
        (Digits(), np.array(1.0), "got ()"),
        (Digits(), np.full((1, 64), 17), "pixels are whole numbers from 0 to 16 or fractions from 0 to 1, got int64"),
        (Digits(), np.full((1, 64), 16.0), "pixels are whole numbers from 0 to 16 or fractions from 0 to 1"),
        (Digits(), np.full((1, 64), np.nan), "pixels are whole numbers"),
        (Moons(), np.array([[1.0, np.inf]]), "expected finite numbers of float32"),
        (Moons(), np.array([[1.0, 1e300]]), "expected finite numbers of float32"),
        (Moons(), np.array([[True, False]]), "expected inputs of real numbers, got bool"),
        (Tokens(), np.zeros((1, 4)), "expected inputs of whole numbers, got float64"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_what_was_expected(data, array, message, saved):
    assert message in refusal(data, saved(array))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.npy", b"no array", "expected an .npy file of numbers"),
        ("x.npy", b"", "expected an .npy file of numbers"),
        ("x.csv", "1,2\n3,four\n", ", line 2: expected numbers, found ['3', 'four']"),
        ("x.csv", "1,2\n3\n", ", line 2: expected 2 numbers, as in the first row, found 1"),
        ("x.csv", "", "expected the numbers of one input a line, found none"),
        ("x.csv", b"\xff\xfe1", "expected text in UTF-8"),
        ("x.csv", '"1,2\n', "not CSV"),
        ("x.txt", "", ": the inputs of Moons are read from .csv or .npy files"),
        ("x.png", "", ": the inputs of Moons are read from .csv or .npy files"),
    ],
)
def test_files_that_hold_something_else_are_refused(name, content, message, saved):
    assert message in refusal(Moons(), saved(content, name))


def test_a_file_that_is_not_there_and_an_archive_are_refused(tmp_path):
    assert "no such file" in refusal(Moons(), tmp_path / "none.npy")
    np.savez(tmp_path / "several.npz", a=np.zeros(2))
    (tmp_path / "several.npz").rename(tmp_path / "several.npy")
    assert "got an archive of several" in refusal(Moons(), tmp_path / "several.npy")


def test_arrays_of_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    message = refusal(Moons(), tmp_path / "objects.npy")
    assert "expected an .npy file of numbers" in message
    assert "it holds Python objects, which can run code and are not read: save x.astype(float)" in message


def test_data_that_learns_nothing_has_nothing_to_keep():
    data = Moons()
    assert data.state_dict() == {}
    data.load_state_dict({})
