from __future__ import annotations

import pytest

from minigrad.config.diagnostics import LIMIT, ConfigError, Diagnostics, Source, Span


def test_a_problem_shows_its_line_a_caret_and_the_remedy() -> None:
    report = Diagnostics()
    report.add(Span(Source("mine.yaml", "a\n  AdamW: {lrr: 1}\n"), 2, 11, 3), "no argument 'lrr'", "did you mean 'lr'?")
    with pytest.raises(ConfigError) as caught:
        report.check()
    assert str(caught.value) == (
        "mine.yaml:2:11: error: no argument 'lrr'\n"
        "    2 |   AdamW: {lrr: 1}\n"
        "      |           ^^^\n"
        "  did you mean 'lr'?\n"
        "1 error; nothing was run"
    )


def test_problems_stand_in_the_order_of_their_places() -> None:
    source, report = Source("mine.yaml", "a\nb\nc"), Diagnostics()
    for line, column in [(3, 1), (1, 2), (1, 1)]:
        report.add(Span(source, line, column), f"at {line}:{column}")
    with pytest.raises(ConfigError, match="3 errors") as caught:
        report.check()
    assert [problem.message for problem in caught.value.problems] == ["at 1:1", "at 1:2", "at 3:1"]


def test_the_second_problem_of_a_place_is_a_consequence_and_left_out() -> None:
    source, report = Source("mine.yaml", "a"), Diagnostics()
    report.add(Span(source, 1), "first")
    report.add(Span(source, 1), "second")
    assert [problem.message for problem in report.problems] == ["first"]


def test_after_a_hundred_problems_a_config_is_given_up() -> None:
    source, report = Source("mine.yaml", "a\n" * LIMIT), Diagnostics()
    for line in range(1, LIMIT):
        report.add(Span(source, line), "wrong")
    with pytest.raises(ConfigError, match=f"at least {LIMIT} errors"):
        report.add(Span(source, LIMIT), "wrong")


def test_without_problems_a_report_raises_nothing() -> None:
    Diagnostics().check()


def test_a_long_line_is_cut_around_its_caret() -> None:
    line = "a" * 5000 + "here" + "b" * 5000
    shown, caret = Span(Source("mine.yaml", line), 1, 5001, 4).show()
    assert len(shown) < 150
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "here"


def test_a_caret_stands_right_after_wide_letters_and_accents() -> None:
    wide, accent = "名前: x", "e\u0301: x"
    assert Span(Source("", wide), 1, 5).show()[1].index("^") == len("    1 | ") + 6
    assert Span(Source("", accent), 1, 5).show()[1].index("^") == len("    1 | ") + 3


def test_letters_that_a_terminal_cannot_show_are_shown_as_blanks() -> None:
    assert Span(Source("", "a\tb\x1bc"), 1, 1).show()[0] == "    1 | a b c"
