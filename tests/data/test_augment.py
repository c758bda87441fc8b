"""Random changes of images: what each does, and that it follows from seed, epoch and example alone."""

import numpy as np
import pytest

from minigrad.data import Augmentation, Crop, Cutout, DataError, DataLoader, Examples, Flip, Jitter, Rotate
from minigrad.data.augment import Augmented
from minigrad.engine import random

ALL = [Flip(), Crop(2), Rotate(30), Jitter(0.4), Cutout(3)]


def images(n=6, channels=3, height=8, width=10):
    return np.random.default_rng(1).random((n, channels, height, width), np.float32)


def numbers(change, n, value):
    return np.full((n, change.numbers), value, np.float32)


@pytest.mark.parametrize("change", ALL, ids=lambda change: type(change).__name__)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_change_keeps_shape_type_range_and_its_input(change, channels):
    before = images(channels=channels)
    copy = before.copy()
    drawn = np.random.default_rng(0).random((6, change.numbers), np.float32)
    after = change(before, drawn)
    assert (after.shape, after.dtype) == (before.shape, np.float32)
    assert after.min() >= 0
    assert after.max() <= 1 + 1e-6
    np.testing.assert_array_equal(before, copy)
    assert not np.array_equal(after, before)
    np.testing.assert_array_equal(after[2:3], change(before[2:3], drawn[2:3]))  # whatever stands beside it


def test_a_flip_mirrors_where_the_number_is_below_its_probability():
    x = images(2)
    drawn = np.array([[0.2], [0.4]], np.float32)
    after = Flip(0.3)(x, drawn)
    np.testing.assert_array_equal(after[0], x[0, :, :, ::-1])
    np.testing.assert_array_equal(after[1], x[1])
    np.testing.assert_array_equal(Flip(1.0, vertical=True)(x, drawn), x[:, :, ::-1])


def test_a_crop_shifts_and_leaves_black():
    x, crop = images(1), Crop(2)
    np.testing.assert_array_equal(crop(x, numbers(crop, 1, 0.5)), x)
    first = crop(x, numbers(crop, 1, 0.0))
    np.testing.assert_array_equal(first[:, :, 2:, 2:], x[:, :, :-2, :-2])
    assert not first[:, :, :2].any()
    assert not first[:, :, :, :2].any()
    last = crop(x, numbers(crop, 1, 0.999))
    np.testing.assert_array_equal(last[:, :, :-2, :-2], x[:, :, 2:, 2:])


def test_a_turn_is_that_of_pillow():
    image = pytest.importorskip("PIL.Image", reason="Pillow turns the images to compare with")
    x, turn = images(1, 1, 15, 15), Rotate(40)
    for share in (0.1, 0.5, 0.8):
        angle = 40 * (2 * share - 1)
        expected = image.fromarray(x[0, 0]).rotate(angle, image.Resampling.BILINEAR)
        inside = np.hypot(*np.ogrid[-7:8, -7:8]) < 6
        found = turn(x, numbers(turn, 1, share))[0, 0]
        np.testing.assert_allclose(found[inside], np.asarray(expected)[inside], atol=1e-4)


def test_a_quarter_turn_is_exact_up_to_rounding():
    x, turn = images(1, 2, 9, 9), Rotate(90)
    np.testing.assert_allclose(turn(x, numbers(turn, 1, 1.0)), np.rot90(x, 1, (2, 3)), atol=1e-5)


def test_jitter_changes_brightness_contrast_and_saturation():
    x, jitter = images(1) * 0.4 + 0.2, Jitter(0.5)
    brighter = jitter(x, np.array([[1.0, 0.5, 0.5]], np.float32))
    np.testing.assert_allclose(brighter, (x * 1.5).clip(0, 1), rtol=1e-5)
    flatter = jitter(x, np.array([[0.5, 0.0, 0.5]], np.float32))
    np.testing.assert_allclose(flatter, x.mean() + (x - x.mean()) / 2, rtol=1e-5)
    paler = jitter(x, np.array([[0.5, 0.5, 0.0]], np.float32))
    np.testing.assert_allclose(paler, (x + x.mean(axis=1, keepdims=True)) / 2, rtol=1e-5)


def test_a_cutout_blackens_one_square():
    x, cut = images(1) + 1, Cutout(3)
    after = cut(x, numbers(cut, 1, 0.5))
    assert np.argwhere(after[0, 0] == 0).tolist() == [[y, x] for y in (3, 4, 5) for x in (4, 5, 6)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Flip(1.5), "probability is from 0 to 1, got 1.5"),
        (lambda: Crop(0), "padding is at least 1 pixel, got 0"),
        (lambda: Rotate(0), "degrees is more than 0 and at most 180, got 0"),
        (lambda: Jitter(2.0), "strength is more than 0 and at most 1, got 2"),
        (lambda: Cutout(0), "size is at least 1 pixel, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(DataError, match=message):
        make()


def augmented(n=20):
    return Augmented(Examples(images(n).reshape(n, -1), np.arange(n)), (3, 8, 10), ALL)


def test_without_an_epoch_images_are_as_they_were():
    inputs, _ = augmented().batch(slice(None))
    np.testing.assert_array_equal(inputs, images(20).reshape(20, -1))


def test_what_an_image_becomes_follows_from_seed_epoch_and_place():
    whole, targets = augmented().epoch(3).batch(slice(None))
    np.testing.assert_array_equal(targets, np.arange(20))
    parts = [augmented().epoch(3).batch(np.array(rows))[0] for rows in ([7, 2], [0])]
    np.testing.assert_array_equal(np.concatenate(parts), whole[[7, 2, 0]])
    assert not np.array_equal(augmented().epoch(4).batch(slice(None))[0], whole)
    random.seed(1)
    assert not np.array_equal(augmented().epoch(3).batch(slice(None))[0], whole)


def test_a_loader_goes_on_in_an_epoch_with_the_same_images():
    batches = list(DataLoader(augmented(), 6).epoch(2))
    for expected, found in zip(batches[1:], DataLoader(augmented(), 6).epoch(2, start=1), strict=True):
        np.testing.assert_array_equal(found[0], expected[0])


def test_the_same_change_twice_takes_other_numbers():
    twice = Augmented(Examples(images(20), np.arange(20)), (3, 8, 10), [Flip(), Flip()])
    changed = (twice.epoch(0).batch(slice(None))[0] != images(20)).any(axis=(1, 2, 3))
    assert changed.any()
    assert not changed.all()


def test_an_augmentation_of_ones_own_is_two_lines():
    class Negative(Augmentation):
        def __call__(self, images, numbers):
            return 1 - images

    changed = Augmented(Examples(images(2), np.arange(2)), (3, 8, 10), [Negative()]).epoch(0).batch(slice(None))[0]
    np.testing.assert_array_equal(changed, 1 - images(2))
