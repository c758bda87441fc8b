"""Paths at which no file stands: pipes, sockets, devices, links that lead nowhere, names that no file can have."""

import os
import shutil
import socket

import pytest

from minigrad.cli import main

from .conftest import RUN

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


def bind(path):
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(path))  # an address is at most 107 bytes


KINDS = {
    "a named pipe": os.mkfifo if hasattr(os, "mkfifo") else None,
    "a socket": bind,
    "a device": lambda path: os.symlink("/dev/zero", path),
    "no such file": lambda path: os.symlink("nowhere", path),
    "a link to itself": lambda path: os.symlink(os.path.basename(path), path),
    "a folder": os.mkdir,
}
"""What makes each kind of thing at a path."""

LONG = {"a long name": "x" * 300, "a long path": "/a" * 3000}

DATA = "check small.yaml data={{{}}}"

READERS = {
    "predict": (".csv", f"predict {RUN} FILE"),
    "predict from numbers": (".npy", f"predict {RUN} FILE"),
    "generate": (".gguf", "generate FILE a"),
    "check": (".yaml", "check FILE"),
    "sweep": (".yaml", "sweep FILE --grid seed=[1,2]"),
    "resume": ("", "resume FILE"),
    "report": ("", "report FILE"),
    "Table": (".csv", DATA.format("Table: {path: FILE, target: y}")),
    "TextTable": (".csv", DATA.format("TextTable: {path: FILE, text: a, target: y}")),
    "Windows": (".csv", DATA.format("Windows: {path: FILE, column: a, length: 3, horizon: 1}")),
    "CharText": (".txt", DATA.format("CharText: {path: FILE, block_size: 4}")),
    "ByteText": (".txt", DATA.format("ByteText: {path: FILE, block_size: 4}")),
    "BytePairText": (".json", DATA.format("BytePairText: {path: FILE, tokenizer: FILE, block_size: 3}")),
    "Arrays": (".npz", DATA.format("Arrays: {path: FILE}")),
    "Tokens": (".bin", DATA.format("Tokens: {path: FILE, vocab_size: 9, block_size: 3}")),
    "IDX": (".idx", DATA.format("IDX: {images: FILE, labels: FILE}")),
    "ImageFolder": ("", DATA.format("ImageFolder: {path: FILE, size: 8}")),
}
"""What reads a file, the suffix that it expects, and the command."""


@pytest.fixture(autouse=True)
def limited():
    """A limit to memory: what never ends is read into it."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def refused(said, reader, path):
    words = READERS[reader][1].replace("FILE", path)
    command, rest = words.split(" ", 1)
    words = [command, *rest.split(" ", 1)] if "data=" in words else words.split()
    exit_code, _, err = said(*words)
    assert exit_code == 2, err
    assert "error: " in err
    assert ".py:" not in err
    assert " needs '" not in err
    return err


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_refused_and_not_waited_for(said, reader, kind):
    path = f"{reader}-{kind}".replace(" ", "-") + READERS[reader][0]
    KINDS[kind](path)
    try:
        refused(said, reader, path)
    finally:  # the folder is that of other tests, too
        (os.rmdir if kind == "a folder" else os.unlink)(path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("length", LONG)
def test_a_name_that_no_file_can_have_is_a_wrong_command(said, reader, length):
    refused(said, reader, LONG[length] + READERS[reader][0])


@pytest.mark.parametrize("name", ["run.json", "config.yaml", "metrics.jsonl", "checkpoints/best.safetensors"])
@pytest.mark.parametrize("command", ["report", "resume", "evaluate"])
def test_a_run_with_a_pipe_in_place_of_a_file_is_not_waited_for(tmp_path, monkeypatch, capsys, trained, name, command):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib")
    shutil.copytree(trained / RUN, tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    os.mkfifo(tmp_path / "run" / name)
    monkeypatch.chdir(tmp_path)
    exit_code = main([command, "run"])
    err = capsys.readouterr().err
    assert ".py:" not in err
    assert exit_code == 0 or name in err or "no best weights" in err


@pytest.mark.parametrize("kind", ["a named pipe", "a socket", "a device", "a folder"])
def test_a_config_that_is_no_file_is_called_what_it_is(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.chdir(tmp_path)
    KINDS[kind]("x.yaml")
    assert main(["check", "x.yaml"]) == 2
    assert capsys.readouterr().err.startswith(f"error: x.yaml is {kind}, expected a config")


@pytest.mark.parametrize("kind", ["no such file", "a link to itself"])
def test_a_config_behind_a_broken_link_is_called_that(tmp_path, monkeypatch, capsys, kind):
    monkeypatch.chdir(tmp_path)
    KINDS[kind]("x.yaml")
    assert main(["check", "x.yaml"]) == 2
    assert capsys.readouterr().err == "error: x.yaml is a link that leads nowhere, expected a config\n"


def test_a_current_folder_that_was_deleted_is_a_sentence(tmp_path, monkeypatch, capsys):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert main(["list"]) == 2
    assert capsys.readouterr().err.startswith("error: the current folder cannot be used")
