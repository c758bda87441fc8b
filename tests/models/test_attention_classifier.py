import numpy as np
import pytest

from minigrad import Tensor
from minigrad.data import Digits
from minigrad.engine import random
from minigrad.nn import CrossEntropyLoss
from minigrad.optim import AdamW
from models.attention_classifier import AttentionClassifier


def test_patches_are_squares_of_the_image_row_by_row():
    classifier = AttentionClassifier(6, 3, 10, channels=2)
    images = np.random.default_rng(0).normal(size=(4, 2, 6, 6)).astype(np.float32)
    patches = classifier.patches(Tensor(images)).data
    assert patches.shape == (4, 4, 18)
    np.testing.assert_array_equal(patches[:, 1], images[:, :, :3, 3:].reshape(4, 18))
    np.testing.assert_array_equal(patches[:, 2], images[:, :, 3:, :3].reshape(4, 18))


def test_pixels_in_a_row_are_taken_for_an_image():
    random.seed(0)
    classifier = AttentionClassifier(4, 2, 3)
    images = np.random.default_rng(0).normal(size=(5, 1, 4, 4)).astype(np.float32)
    scores = classifier(Tensor(images)).data
    assert scores.shape == (5, 3)
    np.testing.assert_array_equal(classifier(Tensor(images.reshape(5, 16))).data, scores)


def test_it_learns_digits():
    random.seed(0)
    digits, classifier = Digits(), AttentionClassifier(8, 4, 10, nhead=2, num_layers=1)
    optimizer, criterion = AdamW(classifier.parameters(), lr=1e-2), CrossEntropyLoss()
    images, labels = digits.train.inputs[:500], digits.train.targets[:500]
    for _ in range(25):
        optimizer.zero_grad()
        criterion(classifier(Tensor(images)), labels).backward()
        optimizer.step()
    answers = classifier.eval()(Tensor(digits.test.inputs)).data.argmax(axis=1)
    assert np.mean(answers == digits.test.targets) > 0.8


def test_patches_fill_the_image():
    with pytest.raises(ValueError, match="image_size must be a multiple of patch_size=3, got 8"):
        AttentionClassifier(8, 3, 10)


def test_images_of_another_size_are_refused():
    with pytest.raises(ValueError, match=r"expected images \(N, 1, 4, 4\), got \(2, 1, 5, 5\)"):
        AttentionClassifier(4, 2, 3)(Tensor(np.zeros((2, 1, 5, 5), np.float32)))
