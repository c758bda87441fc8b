"""The page from a grid to a chosen model: its commands run, one after the other, and print what it says."""

import json
import re
import shlex
from pathlib import Path

import pytest

from minigrad.cli import main

PAGE = (Path(__file__).parents[1] / "docs" / "sweep.md").read_text(encoding="utf-8")


def without_numbers(table):
    """Names, and settings that were chosen; results are those of one machine."""
    return [re.sub(r"\d+\.?\d* ± \d+\.?\d*", "#", line).split() for line in table.splitlines()]


@pytest.mark.slow
def test_commands_lead_from_a_config_to_a_chosen_model_whose_test_is_as_good_as_the_page_says(
    tmp_path, monkeypatch, capfd
):
    pytest.importorskip("matplotlib", reason="compare draws")
    pytest.importorskip("optuna", reason="the page searches")
    monkeypatch.chdir(tmp_path)
    [config] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    Path("digits.yaml").write_text(config, encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 6
    for command, shown in blocks:
        program, *words = shlex.split(command)
        assert (program, main(words)) == ("minigrad", 0)
        printed = capfd.readouterr().out
        if shown:
            assert without_numbers(printed) == without_numbers(shown)
        elif words[0] == "runs":
            assert len(printed.splitlines()) == 7
    assert Path("compare.html").is_file()
    said = float(re.search(r"`test/accuracy` (\d\.\d+)", PAGE)[1])
    assert json.loads(printed.splitlines()[-1])["test/accuracy"] == pytest.approx(said, abs=0.02)
