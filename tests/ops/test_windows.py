from hypothesis import given
from hypothesis import strategies as st

from minigrad.ops.windows import within


@given(st.integers(1, 9), st.integers(1, 9), st.integers(-12, 12), st.integers(1, 4))
def test_the_places_within_an_axis_and_what_lies_there(length, count, shift, stride):
    at = [shift + p * stride for p in range(count)]
    places, seen = within(length, count, shift, stride)
    assert list(range(count))[places] == [p for p in range(count) if 0 <= at[p] < length]
    assert list(range(length))[seen] == [i for i in at if 0 <= i < length]
