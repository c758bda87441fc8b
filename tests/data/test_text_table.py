"""Texts and their classes: tokens, vocabulary, padding, and what is refused."""

import numpy as np
import pytest

from minigrad.data import DataError, DataWarning, TextTable
from minigrad.data.words import Vocabulary, tokenized

REVIEWS = [
    (f"{mood}, it was fun. Day {i}!", verdict) for i in range(20) for mood, verdict in (("Good", "+"), ("Bad", "-"))
]


@pytest.fixture
def write(tmp_path):
    def write(rows=REVIEWS, name="reviews.csv", head=("text", "verdict")):
        lines = [",".join(f'"{cell}"' for cell in row) for row in (head, *rows)]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
        return str(tmp_path / name)

    return write


def test_words_are_in_lower_case_and_marks_are_tokens():
    assert tokenized("Don't  stop, Zoë!", "words") == ["don", "'", "t", "stop", ",", "zoë", "!"]
    assert tokenized("Aé ", "characters") == ["A", "é", " "]


def test_the_most_frequent_tokens_come_first_and_equals_in_order():
    vocabulary = Vocabulary.learn(["b a b", "a b c", "d"], "words", 3)
    assert vocabulary.tokens == ("b", "a", "c")
    assert len(vocabulary) == 5
    assert vocabulary.encode(["c b", "a d a b", ""], 3).tolist() == [[0, 4, 2], [3, 1, 3], [0, 0, 0]]


def test_texts_become_numbers_of_the_words_in_the_training_part(write):
    data = TextTable(write(), "text", "verdict")
    assert (data.class_names, data.num_classes, data.input_shape) == (("+", "-"), 2, (9,))
    assert [len(part) for part in (data.train, data.val, data.test)] == [24, 8, 8]
    assert data.train.inputs.dtype == np.int64
    assert data.train.inputs.max() == data.vocab_size - 1
    assert (data.train.inputs[:, 7] > 1).all()  # all days of the training part are known
    assert (data.test.inputs[:, 7] == 1).any()  # and others are not


def test_characters_length_and_size_of_the_vocabulary_are_options(write):
    data = TextTable(write(), "text", "verdict", tokens="characters", length=4, most=5)
    assert (data.input_shape, data.vocab_size) == ((4,), 7)


def test_a_restored_table_reads_new_texts_without_its_file(write, tmp_path):
    data = TextTable(write(), "text", "verdict")
    again = TextTable.restore(data.state_dict())
    path = write([("Bad, day 3", "?"), ("", "?")], "NEW.CSV")
    inputs = again.read_inputs(path)
    np.testing.assert_array_equal(inputs, data.read_inputs(path))
    assert not inputs[1].any()
    (tmp_path / "lines.txt").write_text("Bad, day 3\n\nGood\n", encoding="utf-8")
    np.testing.assert_array_equal(again.read_inputs(tmp_path / "lines.txt")[0], inputs[0])
    assert (again.vocab_size, again.class_names, again.input_shape) == (data.vocab_size, ("+", "-"), (9,))


@pytest.mark.parametrize(
    ("rows", "head", "message"),
    [
        (REVIEWS, ("texts", "verdict"), "no column 'text'; did you mean 'texts'"),
        ([*REVIEWS, ("", "+")], ("text", "verdict"), "column 'text', line 42: the value is missing.*`missing: drop`"),
        ([*REVIEWS, ("x", "")], ("text", "verdict"), "column 'verdict', line 42: the value is missing"),
        (REVIEWS[::2], ("text", "verdict"), "is the target and holds one class, '\\+'"),
        ([*REVIEWS, ("x", "+", "y")], ("text", "verdict"), "line 42: expected 2 cells, as in the first line, found 3"),
        ([(*row, "x") for row in REVIEWS], ("text", "verdict", "text"), "two columns have the name 'text'"),
        (REVIEWS, ("text", "verdict;"), "no column 'verdict'"),
    ],
)
@pytest.mark.filterwarnings("ignore::minigrad.data.DataWarning")
def test_tables_that_do_not_fit_are_refused(write, rows, head, message):
    with pytest.raises(DataError, match=message):
        TextTable(write(rows, head=head), "text", "verdict")


def test_rows_with_a_gap_can_be_left_out(write):
    data = TextTable(write([*REVIEWS, ("", "+"), ("x", "")]), "text", "verdict", missing="drop")
    assert sum(map(len, (data.train, data.val, data.test))) == 40


def test_classes_that_differ_only_in_case_are_a_warning_with_their_lines(write):
    rows = [(text, {"+": "good", "-": "bad"}[verdict]) for text, verdict in REVIEWS]
    path = write([*rows, *[("Great", "Good")] * 9])
    with pytest.warns(DataWarning, match=r"column 'verdict' has .* 'good' \(line 2\) and 'Good' \(line 42\), which"):
        TextTable(path, "text", "verdict")


def test_files_for_a_prediction_that_do_not_fit_are_refused(write, tmp_path):
    data = TextTable(write(), "text", "verdict")
    (tmp_path / "empty.txt").write_text("\n\n")
    for name, message in (
        ("empty.txt", "expected a text in each line, found none"),
        ("x.npy", "with the column 'text'"),
    ):
        with pytest.raises(DataError, match=message):
            data.read_inputs(tmp_path / name)
    with pytest.raises(DataError, match="no column 'text'"):
        data.read_inputs(write(head=("words", "verdict")))
    with pytest.raises(DataError, match="length and most count tokens and are at least 1, got 0 and 10000"):
        TextTable(write(), "text", "verdict", length=0)
