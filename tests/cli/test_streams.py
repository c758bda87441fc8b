"""Standard streams of every kind: the exit code is right, and no message is a traceback."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the streams are set up by a POSIX shell")

POOR = {
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "a C locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


def shell(words, **variables):
    """Runs `minigrad WORDS` in a shell, which sets up its streams."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = ["/bin/sh", "-c", f'"$0" -m minigrad {words}', sys.executable]
    done = subprocess.run(command, capture_output=True, env=environment, cwd=ROOT)
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    encoding = variables.get("PYTHONIOENCODING", "utf-8")
    return done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding)


@pytest.mark.parametrize("encoding", POOR)
@pytest.mark.parametrize("words", ["describe SGD", "list Module"])
def test_characters_that_an_encoding_lacks_are_escaped(words, encoding):
    exit_code, poor, err = shell(words, **POOR[encoding])
    _, rich, _ = shell(words, PYTHONIOENCODING="utf-8")
    lacking = encoding if encoding in ("cp1252", "ascii") else "ascii"
    assert poor == rich.encode(lacking, "backslashreplace").decode(lacking)
    assert (exit_code, err) == (0, "")
    assert "\\" in poor
    assert "\\" not in rich


def test_a_message_in_characters_that_an_encoding_lacks_keeps_its_exit_code():
    exit_code, _, err = shell("lıst", PYTHONIOENCODING="ascii")
    assert exit_code == 2
    assert r"l\u0131st" in err


def test_a_closed_stream_is_as_if_nobody_read_it(tmp_path):
    assert shell("list >&-") == (0, "", "")
    assert shell("lst 2>&-") == (2, "", "")
    assert shell(f"train configs/xor.yaml trainer.max_epochs=2 --runs-dir {tmp_path} <&- >&- 2>&-") == (0, "", "")
    assert json.loads((tmp_path / "xor" / "0001" / "run.json").read_text())["status"] == "done"
    records = (tmp_path / "xor" / "0001" / "metrics.jsonl").read_text().splitlines()
    assert all(isinstance(json.loads(record), dict) for record in records)


full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")


@full
@pytest.mark.parametrize("words", ["list", "--version", "check configs/xor.yaml"])
def test_a_full_disk_behind_standard_output_is_named(words):
    exit_code, _, err = shell(f"{words} > /dev/full")
    assert (exit_code, err) == (1, "error: standard output: No space left on device\n")


@full
def test_a_full_disk_behind_standard_error_changes_nothing_else(tmp_path):
    assert shell("lst 2> /dev/full") == (2, "", "")
    exit_code, out, _ = shell(f"train configs/xor.yaml trainer.max_epochs=2 --runs-dir {tmp_path} 2> /dev/full")
    assert (exit_code, json.loads(out)["status"]) == (0, "done")


def test_a_reader_that_goes_away_ends_the_command_in_silence():
    assert shell("list | true") == (0, "", "")
