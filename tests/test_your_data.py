"""The page from your data to a report: its commands run, in an empty folder, one example after the other."""

import json
import re
import shlex
from pathlib import Path

import pytest

from minigrad.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "your_data.md").read_text(encoding="utf-8")
EXAMPLES = {section.split("\n", 1)[0]: section for section in PAGE.split("\n## ")[1:]}


def blocks(section, language):
    return re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("section", EXAMPLES.values(), ids=EXAMPLES)
def test_three_commands_lead_from_a_file_to_a_report_and_predictions(section, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib", reason="reports need matplotlib")
    monkeypatch.chdir(tmp_path)
    for package in re.findall(r"^from (sklearn|PIL)\b|^import (pandas)\b", section, re.MULTILINE):
        pytest.importorskip(max(package))
    exec(compile(blocks(section, "python")[0], "your_data.md", "exec"), {})
    [commands] = blocks(section, "sh")
    new, train, predict = map(shlex.split, commands.splitlines())
    assert main(new[1:]) == 0
    made = capsys.readouterr().out
    shown = re.search(r"^```sh\n[^`]*```\n\n```text\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert shown is None or made.startswith(shown[1])
    assert main(train[1:]) == 0
    results = json.loads(capsys.readouterr().out)
    assert Path(results["run"], "report.html").is_file()
    learned = {name: value for name, value in results.items() if name in ("test/accuracy", "test/r2")}
    assert not learned or max(learned.values()) > FEWEST.get(new[2], 0.75)
    assert main(predict[1:]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 1


FEWEST = {"diabetes": 0.3}
"""How good a model is at least on what it has not seen, where the data is not made to be easy."""


def test_there_is_an_example_of_each_kind_of_data():
    assert len(EXAMPLES) == 10
    assert all(len(blocks(section, "sh")[0].splitlines()) == 3 for section in EXAMPLES.values())
