"""What the command line says of itself."""

import re

import pytest

import minigrad
from minigrad.cli import main
from minigrad.cli.main import COMMANDS


def printed(capsys, *words):
    assert main(words) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["help"], ["-h"], ["--help"]])
def test_the_usage_lists_every_command(words, capsys):
    shown = printed(capsys, *words)
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("  ")][: len(COMMANDS)] == [*COMMANDS]
    assert len(shown.splitlines()) <= 24


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_with_two_examples_and_fits_a_screen(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    shown = printed(capsys, name, "-h")
    first, second, *rest = shown.splitlines()
    assert first != second
    assert all(re.match(rf"minigrad {name}\b", line) for line in (first, second))
    assert rest[0] == ""
    assert len(rest) + 2 <= 24
    assert max(map(len, shown.splitlines())) <= 80
    assert printed(capsys, "help", name) == shown


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_comes_first_whatever_else_is_wrong(name, capsys):
    assert printed(capsys, name, "--help", "and", "more").startswith(f"minigrad {name}")


def test_the_version_is_that_of_the_package(capsys):
    assert printed(capsys, "--version") == f"minigrad {minigrad.__version__}\n"
