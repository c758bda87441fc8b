"""Images in folders: classes, parts, sizes, colours, broken files, and prediction."""

import io
import struct
import zlib

import numpy as np
import pytest

from minigrad.data import DataError, DataWarning, Flip, ImageFolder
from minigrad.data import image_files as files
from minigrad.data.mapped import file_of
from minigrad.data.pictures import write_png

Image = pytest.importorskip("PIL.Image", reason="folders of images need Pillow")


def pixels(seed, height=6, width=6, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)


@pytest.fixture
def folder(tmp_path):
    """Two classes of ten images each, in PNG."""
    for i in range(20):
        save(tmp_path / "pets" / ("cat", "dog")[i % 2] / f"{i:02}.png", pixels(i))
    return tmp_path / "pets"


def refusal(folder, **options):
    with pytest.raises(DataError) as error:
        ImageFolder(str(folder), **options)
    return str(error.value).removeprefix(str(folder))


def attempt(read):
    """The message of the error; None if inputs came that a model can take."""
    try:
        inputs = read()
    except DataError as error:
        return str(error)
    assert inputs.shape == (1, 3, 6, 6)
    assert 0 <= inputs.min() <= inputs.max() <= 1
    return None


def test_each_folder_is_a_class_and_each_pixel_a_fraction(folder):
    data = ImageFolder(str(folder))
    assert data.class_names == ("cat", "dog")
    assert [len(part) for part in (data.train, data.val, data.test)] == [12, 4, 4]
    assert (data.input_shape, data.image_shape, data.num_channels) == ((3, 6, 6), (3, 6, 6), 3)
    found = {}
    for part in (data.train, data.val, data.test):
        inputs, targets = part.batch(slice(None))
        assert inputs.dtype == np.float32
        found |= {row.tobytes(): int(target) for row, target in zip(inputs, targets, strict=True)}
    expected = {(np.moveaxis(pixels(i), -1, 0) / 255).astype(np.float32).tobytes(): i % 2 for i in range(20)}
    assert found == expected


def test_folders_of_parts_are_those_parts(tmp_path):
    for i in range(20):
        part = "train" if i < 12 else "Valid" if i < 16 else "test"
        save(tmp_path / part / "ab"[i % 2] / f"{i}.png", pixels(i))
    data = ImageFolder(str(tmp_path))
    assert [len(part) for part in (data.train, data.val, data.test)] == [12, 4, 4]
    np.testing.assert_allclose(data.test.batch(slice(1))[0][0], np.moveaxis(pixels(16), -1, 0) / 255, rtol=1e-6)


def test_classes_that_are_numbers_stand_in_their_order(tmp_path):
    for i in range(33):
        save(tmp_path / str(i % 11) / f"{i}.png", pixels(i))
    assert ImageFolder(str(tmp_path)).class_names == tuple(map(str, range(11)))


@pytest.mark.parametrize("suffix", ["png", "PNG", "jpg", "JPEG", "bmp", "Webp"])
def test_every_format_is_read_as_pillow_reads_it(tmp_path, suffix):
    for i in range(12):
        save(tmp_path / "ab"[i % 2] / f"{i}.{suffix}", pixels(i, 16, 16))
    data = ImageFolder(str(tmp_path))
    path = tmp_path / "a" / f"0.{suffix}"
    expected = np.moveaxis(np.asarray(Image.open(path)), -1, 0) / 255
    np.testing.assert_allclose(data.read_inputs(path)[0], expected, rtol=1e-6)


def test_images_of_other_sizes_are_scaled_and_cut_or_refused(folder):
    wide = np.zeros((12, 36, 3), np.uint8)
    wide[:, 10:26] = 255  # the middle third is white, and a little more, which scaling mixes in
    save(folder / "dog" / "wide.png", wide)
    message = refusal(folder)
    assert message.startswith(": the images have 2 different sizes, such as 6 × 6 (")
    assert message.endswith("36 × 12 (wide.png): write `size: 64`, and they are scaled to that, and cut")
    data = ImageFolder(str(folder), size=6)
    np.testing.assert_array_equal(data.read_inputs(folder / "dog" / "wide.png"), np.ones((1, 3, 6, 6), np.float32))
    assert ImageFolder(str(folder), size=(4, 8), flatten=True).input_shape == (96,)


def test_grey_files_make_grey_inputs_unless_colour_is_asked_for(tmp_path):
    for i in range(12):
        save(tmp_path / "ab"[i % 2] / f"{i}.png", pixels(i)[:, :, 0])
    assert ImageFolder(str(tmp_path)).image_shape == (1, 6, 6)
    assert ImageFolder(str(tmp_path), colour=True).image_shape == (3, 6, 6)
    save(tmp_path / "a" / "coloured.png", pixels(20))
    assert ImageFolder(str(tmp_path)).image_shape == (3, 6, 6)
    assert ImageFolder(str(tmp_path), colour=False).image_shape == (1, 6, 6)


def test_transparent_places_become_white_and_photos_stand_upright(folder, tmp_path):
    data = ImageFolder(str(folder), size=6)
    save(tmp_path / "clear.png", np.zeros((6, 6, 4), np.uint8))
    np.testing.assert_array_equal(data.read_inputs(tmp_path / "clear.png"), np.ones((1, 3, 6, 6), np.float32))
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned by a quarter, clockwise
    save(tmp_path / "photo.png", pixels(0), exif=turned)
    expected = np.moveaxis(np.rot90(pixels(0), -1), -1, 0) / 255
    np.testing.assert_allclose(data.read_inputs(tmp_path / "photo.png")[0], expected, rtol=1e-6)


def test_all_broken_files_are_named_at_once(folder):
    whole = (folder / "cat" / "00.png").read_bytes()
    (folder / "cat" / "00.png").write_bytes(whole[:60])
    (folder / "cat" / "02.png").write_bytes(b"")
    (folder / "dog" / "01.png").write_bytes(b"GIF89a")
    save(folder / "dog" / "deep.png", np.zeros((6, 6), np.uint16))
    lines = refusal(folder, size=6).splitlines()
    assert lines[0] == ": 4 things to settle:"
    assert [line.partition(": expected ")[0] for line in sorted(lines[1:])] == [
        "  cat/00.png",
        "  cat/02.png",
        "  dog/01.png",
        "  dog/deep.png",
    ]


def test_a_file_that_cannot_be_read_is_named_with_the_others(folder, monkeypatch):
    def locked(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.Path, "read_bytes", locked)
    assert "\n  cat/00.png: cannot be read: Permission denied" in refusal(folder)


def test_an_image_that_would_fill_the_memory_is_refused_by_its_header(folder):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (folder / "cat" / "bomb.png").write_bytes(bomb)
    assert ": cat/bomb.png: has more than 67,108,864 pixels" in refusal(folder, size=6)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        ([], ": expected one folder for each class, named after it, with images in it"),
        (["a.png", "b.png"], "found 2 images and no folder"),
        (["cat/readme.txt", "dog/readme.txt"], "found 2 folders without one"),
        (["cat/a.png", "cat/b.png", "cat/c.png"], ": all images are of class 'cat': there is nothing to learn"),
        (["train/cat/a.png", "train/dog/a.png", "val/bird/a.png"], "class 'bird' is in the validation part and not"),
        (["train/cat/a.png", "train/dog/a.png", "test/readme.txt"], "'test': expected one folder for each class"),
    ],
)
def test_folders_without_classes_are_refused(tmp_path, made, message):
    for i, name in enumerate(made):
        if name.endswith(".png"):
            save(tmp_path / "images" / name, pixels(i))
        else:
            (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "images" / name).write_text("none")
    (tmp_path / "images").mkdir(exist_ok=True)
    options = {"test_fraction": 0.5} if "val/bird/a.png" in made else {}
    assert message in refusal(tmp_path / "images", **options)


def test_a_file_and_a_path_without_anything_are_refused(folder):
    assert "expected a folder with one folder for each class, found a file" in refusal(folder / "cat" / "00.png")
    with pytest.raises(DataError, match="no such file or folder"):
        ImageFolder(str(folder / "none"))


def test_what_is_left_out_is_said(folder):
    (folder / "cat" / "notes.txt").write_text("fluffy")
    (folder / ".DS_Store").write_text("hidden")
    (folder / "dog" / ".hidden.png").write_text("hidden")
    (folder / "bird").mkdir()
    with pytest.warns(DataWarning) as warned:
        data = ImageFolder(str(folder))
    texts = [str(warning.message) for warning in warned]
    assert len(texts) == 2
    assert "the folder 'bird' holds no images and is left out" in texts[0]
    assert "'cat/notes.txt': no image" in texts[1]
    assert data.num_classes == 2


def test_large_folders_are_in_a_temporary_file_that_leaves_nothing(folder, tmp_path, monkeypatch):
    expected = ImageFolder(str(folder))
    monkeypatch.setattr(files, "LARGE", 1)
    monkeypatch.setattr(files.tempfile, "tempdir", str(tmp_path))
    data = ImageFolder(str(folder))
    assert file_of(data.train.inputs) is not None
    np.testing.assert_array_equal(data.train.batch(np.arange(12))[0], expected.train.batch(np.arange(12))[0])
    assert sorted(tmp_path.iterdir()) == [folder]


def test_no_room_for_large_folders_is_a_sentence(folder, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "LARGE", 1)
    monkeypatch.setattr(files.os, "posix_fallocate", full, raising=False)
    with pytest.raises(DataError, match=r"find no room in .* name a larger folder in TMPDIR, or choose a smaller size"):
        ImageFolder(str(folder))


def test_only_training_is_augmented(folder):
    data, plain = ImageFolder(str(folder), augment=[Flip(1.0)]), ImageFolder(str(folder))
    inputs, _ = data.train.epoch(0).batch(slice(None))
    np.testing.assert_array_equal(inputs, plain.train.batch(slice(None))[0][..., ::-1])
    np.testing.assert_array_equal(data.val.epoch(0).batch(slice(None))[0], plain.val.batch(slice(None))[0])


def test_the_digest_tells_of_every_name_and_content(folder):
    before = ImageFolder(str(folder)).digest
    assert ImageFolder(str(folder)).digest == before
    (folder / "cat" / "00.png").rename(folder / "cat" / "renamed.png")
    renamed = ImageFolder(str(folder)).digest
    save(folder / "cat" / "renamed.png", pixels(99))
    assert len({before, renamed, ImageFolder(str(folder)).digest}) == 3


def test_a_restored_folder_reads_images_without_its_files(folder, tmp_path):
    data = ImageFolder(str(folder), size=5, flatten=True)
    save(tmp_path / "new.JPG", pixels(50, 20, 30))
    expected = data.read_inputs(tmp_path / "new.JPG")
    again = ImageFolder.restore(data.state_dict())
    np.testing.assert_array_equal(again.read_inputs(tmp_path / "new.JPG"), expected)
    assert (again.class_names, again.num_classes, again.image_shape) == (("cat", "dog"), 2, (3, 5, 5))
    np.testing.assert_array_equal(again.prepare((expected * 255).round().astype(np.uint8)), expected)
    with pytest.raises(DataError, match=r"are read from .csv, .npy, .png"):
        again.read_inputs(tmp_path / "new.txt")


def test_what_is_written_as_png_is_what_pillow_reads(tmp_path):
    write_png(tmp_path / "gray.png", pixels(3)[:, :, 0])
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "gray.png")), pixels(3)[:, :, 0])


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "WEBP"])
def test_damage_anywhere_is_a_sentence_or_an_image(folder, tmp_path, form):
    data, buffer = ImageFolder(str(folder)), io.BytesIO()
    Image.fromarray(pixels(7, 16, 16)).save(buffer, form)
    whole, generator, path = buffer.getvalue(), np.random.default_rng(0), tmp_path / f"x.{form}"
    refusals = 0
    for _ in range(150):
        content = bytearray(whole[: generator.integers(len(whole))] if generator.random() < 0.3 else whole)
        for _ in range(generator.integers(1, 4) if content else 0):
            content[generator.integers(len(content))] = generator.integers(256)
        path.write_bytes(content)
        message = attempt(lambda: data.read_inputs(path))
        assert message is None or (message.startswith(f"{path}: ") and "\n" not in message)
        refusals += message is not None
    assert refusals > 30
