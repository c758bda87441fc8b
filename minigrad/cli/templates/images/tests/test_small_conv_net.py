"""Tests, to run with `python -m pytest`."""

import numpy as np
import pytest
from models.small_conv_net import SmallConvNet

from minigrad import Tensor


def test_an_image_gets_one_score_for_each_class():
    assert SmallConvNet(3, 16, 5)(Tensor(np.zeros((2, 3, 16, 16)))).shape == (2, 5)


def test_an_image_that_cannot_be_halved_twice_is_refused():
    with pytest.raises(ValueError, match="multiple of 4"):
        SmallConvNet(1, 10, 5)
