"""What the README and the pages of docs/ show is true: their Python runs, their configs are sound, their links lead."""

import re
import shlex
from pathlib import Path

import pytest

import minigrad
from docs.reference import package_layers
from minigrad.cli.main import COMMANDS, command_parser
from minigrad.cli.remedies import OLD
from minigrad.config import load_plan
from minigrad.training.experiment import Experiment, known_classes

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEMPLATES = ROOT / "minigrad" / "cli" / "templates"
SHOWN = [*PAGES, *sorted((ROOT / "configs").glob("*.yaml")), *sorted(TEMPLATES.rglob("*.md"))]
"""The files that show commands to users."""

OPTIONAL = ("onnx", "onnxruntime", "pandas", "sklearn")
"""Packages that pages use beside minigrad."""

COMMAND = re.compile(r"(?:^[ $]*|`|&& |mpiexec -n \d+ |srun )minigrad ((?:[^`\n#&>\\]|\\\n)+)", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs_from_top_to_bottom_and_prints_what_stands_below(page, tmp_path, monkeypatch, capsys):
    for folder in ("configs", "models"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    text = page.read_text(encoding="utf-8")
    for package in OPTIONAL:
        if re.search(rf"^from {package}\b", text, re.MULTILINE):
            pytest.importorskip(package)
    for block, below in re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", text, re.MULTILINE | re.DOTALL):
        exec(compile(block, str(page), "exec"), names)
        printed = capsys.readouterr().out
        assert printed == below or not below


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "extending.md"], ids=lambda page: page.name)
def test_a_whole_config_on_a_page_is_sound(page, tmp_path):
    for block in blocks(page, "yaml"):
        if name := re.search(r"^name: (\w+)$", block, re.MULTILINE):
            path = tmp_path / f"{name[1]}.yaml"  # so that a block may say `base:` of one above
            path.write_text(block, encoding="utf-8")
            assert load_plan(path, Experiment, known_classes(ROOT))["name"] == name[1]


def test_the_classes_of_the_page_on_extending_are_known_by_name_and_learn_together(tmp_path):
    page = ROOT / "docs" / "extending.md"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "mine.py").write_text("\n".join(blocks(page, "python")), encoding="utf-8")
    (tmp_path / "rings.yaml").write_text(blocks(page, "yaml")[0], encoding="utf-8")
    results = minigrad.load(tmp_path / "rings.yaml", home=tmp_path).fit()
    assert results["test/accuracy"] > 0.9
    assert results["steps"] < 20 * 6  # the callback has ended it
    assert 0.5 < results["test/confidence"] <= 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not re.match(r"https?:", target):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_every_command_that_is_shown_is_one_that_minigrad_takes(page):
    for shown in COMMAND.findall(page.read_text(encoding="utf-8")):
        name, *words = shlex.split(re.sub(r"\\\n", " ", shown))
        if name not in ("help", "--version", "COMMAND") and words:
            assert name in COMMANDS, shown
            command_parser(name).parse(words)


def test_the_pages_show_commands():
    shown = {found.split()[0] for page in PAGES for found in COMMAND.findall(page.read_text(encoding="utf-8"))}
    assert shown >= {*COMMANDS}, "show the command on a page of docs/ or in README.md"


@pytest.mark.parametrize("page", SHOWN, ids=lambda page: page.name)
def test_no_page_knows_an_option_that_is_a_command_now(page):
    gone = "|".join(sorted(OLD.keys() - {"--attention", "--report", "--version", "--help", "-h"}))
    for line in page.read_text(encoding="utf-8").splitlines():
        if "python -m benchmarks" not in line:
            assert not re.search(rf"(?<![\w-])({gone})(?![\w-])", line), line
            assert not re.search(r"train\.py --", line), line


def test_nothing_tells_to_install_what_belongs_to_another_project():
    sources = [path for path in (ROOT / "minigrad").rglob("*") if path.suffix in (".py", ".html", ".yaml", ".md")]
    bare = re.compile(r"(pip|uv|pipx) install[^\n&]*[ '\"]minigrad(?![\w-])")
    assert [path for path in [*SHOWN, *sources] if bare.search(path.read_text(encoding="utf-8"))] == []


def test_the_picture_of_the_packages_is_that_of_the_imports():
    assert package_layers.PICTURE.read_text(encoding="utf-8") == package_layers.svg()


def test_a_package_is_drawn_above_all_that_it_imports_with_lines_to_those_that_do_not_follow():
    imports = {"top": {"middle", "base"}, "middle": {"base"}, "beside": {"base"}, "base": set()}
    assert package_layers.layers(imports) == [["base"], ["middle", "beside"], ["top"]]
    assert package_layers.direct(imports) == {**imports, "top": {"middle"}}
