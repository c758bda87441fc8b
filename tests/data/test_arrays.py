import numpy as np
import pytest

from minigrad.data import Arrays, DataError, DataWarning
from minigrad.engine import random


@pytest.fixture
def save(tmp_path):
    def save(**arrays) -> str:
        np.savez(tmp_path / "mine.npz", **arrays)
        return str(tmp_path / "mine.npz")

    return save


def numbered(n: int, first: int = 0) -> np.ndarray:
    return np.arange(first, first + n)[:, np.newaxis] * np.ones(3)


def test_integer_targets_are_classes(save):
    data = Arrays(save(inputs=numbered(20), targets=np.arange(20, dtype=np.uint8) % 4))
    assert (data.train.inputs.dtype, data.train.targets.dtype) == (np.float32, np.int64)
    assert (data.input_shape, data.num_classes) == ((3,), 4)
    for part in (data.train, data.val, data.test):
        np.testing.assert_array_equal(part.targets, part.inputs[:, 0] % 4)


def test_real_targets_are_amounts(save):
    data = Arrays(save(inputs=numbered(20), targets=np.arange(20) / 2))
    assert data.train.targets.dtype == np.float32
    np.testing.assert_array_equal(data.train.targets, data.train.inputs[:, :1] / 2)
    with pytest.raises(DataError, match="it has no num_classes"):
        _ = data.num_classes


def test_images_and_several_amounts_keep_their_shapes(save):
    data = Arrays(save(inputs=np.zeros((10, 1, 4, 5), np.uint8), targets=np.zeros((10, 2))))
    assert data.input_shape == (1, 4, 5)
    assert data.train.targets.shape == (6, 2)


def test_the_parts_are_drawn_by_the_seed_and_stratified(save):
    path = save(inputs=numbered(100), targets=np.repeat([0, 1], [90, 10]))
    first = Arrays(path)
    assert np.bincount(first.test.targets).tolist() == [18, 2]
    random.seed(1)
    assert not np.array_equal(first.test.inputs, Arrays(path).test.inputs)


def test_parts_that_the_file_brings_are_taken_as_they_are(save):
    path = save(
        x_train=numbered(10), y_train=np.arange(10) % 2, x_test=numbered(4, first=50), y_test=np.array([2, 0, 1, 1])
    )
    with pytest.warns(DataWarning, match="class '2' is in the test part alone: the model cannot have learned it"):
        data = Arrays(path, train=("x_train", "y_train"), test=("x_test", "y_test"))
    assert [len(data.train), len(data.val), len(data.test)] == [8, 2, 4]
    np.testing.assert_array_equal(data.test.inputs[:, 0], [50, 51, 52, 53])
    np.testing.assert_array_equal(data.test.targets, [2, 0, 1, 1])
    assert data.num_classes == 3


def test_all_parts_may_be_brought(save):
    path = save(
        x=numbered(10),
        y=np.arange(10) % 2,
        xv=numbered(3, first=20),
        yv=np.ones(3, int),
        xt=numbered(4, first=50),
        yt=np.zeros(4, int),
    )
    data = Arrays(path, train=("x", "y"), val=("xv", "yv"), test=("xt", "yt"))
    np.testing.assert_array_equal(data.train.inputs, numbered(10))
    np.testing.assert_array_equal(data.val.inputs[:, 0], [20, 21, 22])
    np.testing.assert_array_equal(data.test.inputs[:, 0], [50, 51, 52, 53])


def test_one_hot_targets_mark_the_label(save):
    data = Arrays(save(inputs=numbered(10), targets=np.arange(10) % 2), targets="one_hot")
    np.testing.assert_array_equal(data.train.targets[:, 1], data.train.inputs[:, 0] % 2)


def test_an_array_that_is_not_there_is_told_with_the_nearest(save):
    with pytest.raises(DataError, match=r"no array 'inputs'; did you mean 'input'\? there are: input, labels"):
        Arrays(save(input=numbered(10), labels=np.arange(10)))


@pytest.mark.parametrize("odd", [np.nan, np.inf, 1e300])
def test_numbers_that_are_not_finite_are_refused_with_their_place(save, odd):
    inputs = numbered(10)
    inputs[7, 2] = odd
    with pytest.raises(DataError, match=r"mine.npz: array 'inputs' holds .* at \[7, 2\]: expected finite numbers"):
        Arrays(save(inputs=inputs, targets=np.arange(10)))


def test_a_negative_label_is_refused(save):
    with pytest.raises(DataError, match="label -1 of example 0 is out of range: expected 0 to 8"):
        Arrays(save(inputs=numbered(10), targets=np.arange(10) - 1))


def test_unequal_numbers_of_inputs_and_targets_are_refused(save):
    with pytest.raises(DataError, match="one target for each input, got 10 in 'inputs' and 9 in 'targets'"):
        Arrays(save(inputs=numbered(10), targets=np.arange(9)))


def test_integer_targets_in_several_columns_are_in_doubt(save):
    with pytest.raises(DataError, match=r"which have the shape \(N,\).*save amounts as real numbers"):
        Arrays(save(inputs=numbered(10), targets=np.ones((10, 2), int)))


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.array(3.0), r"of shape \(\) holds no examples"),
        (np.zeros((0, 3)), r"of shape \(0, 3\) holds no examples"),
        (np.array(["a", "b"]), "holds <U1, expected real or whole numbers"),
        (np.array([1j, 2]), "holds complex128, expected real or whole numbers"),
        (np.array([None, {}]), "damaged, or holds something else than numbers"),
    ],
)
def test_an_array_without_numbers_is_refused(save, array, said):
    with pytest.raises(DataError, match=said):
        Arrays(save(inputs=array, targets=np.arange(2)))


def test_parts_of_different_shapes_are_refused(save):
    path = save(inputs=numbered(10), targets=np.arange(10), xt=np.zeros((4, 5)), yt=np.arange(4))
    with pytest.raises(DataError, match=r"'xt', float64 \(4, 5\), does not go on from 'inputs', float64 \(10, 3\)"):
        Arrays(path, test=("xt", "yt"))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none.npz: no such file or folder"):
        Arrays(str(tmp_path / "none.npz"))


def test_a_folder_without_arrays_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"expected a folder of \.npy files, found none"):
        Arrays(str(tmp_path))


def test_a_lone_array_is_not_an_npz_file(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DataError, match=r"one.npy: expected an .npz file or a folder of .npy files, found one array"):
        Arrays(str(tmp_path / "one.npy"))


def test_damage_anywhere_is_a_sentence_or_does_not_matter(save, tmp_path):
    path = save(inputs=numbered(10), targets=np.arange(10) / 2)
    whole = (tmp_path / "mine.npz").read_bytes()
    expected = Arrays(path).train.inputs
    generator, refusals = np.random.default_rng(0), []
    for _ in range(300):
        content = bytearray(whole[: generator.integers(len(whole))] if generator.random() < 0.3 else whole)
        for _ in range(generator.integers(1, 4) if content else 0):
            content[generator.integers(len(content))] = generator.integers(256)
        (tmp_path / "mine.npz").write_bytes(content)
        try:
            found = Arrays(path).train.inputs
        except DataError as error:
            refusals.append(str(error))
        else:
            np.testing.assert_array_equal(found, expected)
    assert len(refusals) > 200
    assert all(refusal.startswith(path) for refusal in refusals)


def test_a_folder_of_npy_files_is_read_as_an_npz_file_is(save, tmp_path):
    expected = Arrays(save(images=numbered(20), answers=np.arange(20) % 2), train=("images", "answers"))
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "folder" / "images.npy", numbered(20))
    np.save(tmp_path / "folder" / "answers.npy", np.arange(20) % 2)
    data = Arrays(str(tmp_path / "folder"), train=("images", "answers"))
    np.testing.assert_array_equal(data.train.inputs, expected.train.inputs)
    np.testing.assert_array_equal(data.test.targets, expected.test.targets)
    with pytest.raises(DataError, match=r"no such file as 'image\.npy'; did you mean 'images'\?"):
        Arrays(str(tmp_path / "folder"), train=("image", "answers"))


def test_arrays_of_a_program_are_taken_as_those_of_a_file(save):
    x, y = numbered(20), np.arange(20) % 2
    expected = Arrays(save(inputs=x, targets=y))
    for data in (Arrays(x, y), Arrays(x.tolist(), y.tolist())):
        np.testing.assert_array_equal(data.train.inputs, expected.train.inputs)
        np.testing.assert_array_equal(data.val.targets, expected.val.targets)
    given = Arrays(x[:10], y[:10], val=(x[10:14], y[10:14]), test=(x[14:], y[14:]))
    np.testing.assert_array_equal(given.train.inputs, x[:10])
    np.testing.assert_array_equal(given.val.inputs, x[10:14])
    np.testing.assert_array_equal(given.test.targets, y[14:])
    assert Arrays(x, ["no", "yes"] * 10).class_names == ("no", "yes")
    assert Arrays(x, np.array(["no", "yes"] * 10, object)).class_names == ("no", "yes")


def test_arrays_of_a_program_are_refused_with_their_names():
    with pytest.raises(DataError, match="got 20 in 'train inputs' and 19 in 'train targets'"):
        Arrays(numbered(20), np.arange(19) / 2)
    with pytest.raises(DataError, match="train inputs are a full rectangle, with as many values in each row"):
        Arrays([[1], [2, 3]], [0, 1])


def test_inputs_to_predict_are_read_under_the_name_of_those_to_train_on(save, tmp_path):
    inputs = np.arange(40.0).reshape(20, 2)
    data = Arrays(save(X=inputs, y=np.arange(20) % 2), train=("X", "y"))
    for each in (data, Arrays.restore(data.state_dict())):
        np.testing.assert_array_equal(each.read_inputs(tmp_path / "mine.npz"), inputs)
    np.savez(tmp_path / "other.npz", Y=inputs)
    with pytest.raises(DataError, match="no array 'X'"):
        data.read_inputs(tmp_path / "other.npz")
