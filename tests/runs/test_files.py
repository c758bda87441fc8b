"""Files of a run that others have written: each fault is told in a sentence that names the file."""

import json
import random
import shutil
from pathlib import Path

import pytest

from minigrad.cli import main
from minigrad.runs import RunError, read_checkpoint, write_checkpoint
from minigrad.runs.files import read_facts, read_records

CONFIG = """\
name: small
data: {Moons: {n_samples: 60}}
loader: {batch_size: 10}
model: {Linear: [2, 2]}
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 2}
"""
VALUES: tuple[object, ...] = (None, True, 7, -1, 1.5, 10**30, "x", "", [], [1], {}, {"a": 1}, {"a": {"b": []}})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.yaml").write_text(CONFIG)
    assert main(["train", str(folder / "small.yaml"), "--runs-dir", str(folder)]) == 0
    return folder / "small" / "0001"


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run")


def test_what_a_run_writes_of_itself_can_be_read(run):
    facts = read_facts(run)
    assert (facts["status"], facts["format"]) == ("done", 3)
    assert [record["step"] for record in read_records(run)] == [4, 8]


def test_each_fact_of_another_kind_is_named_or_harmless(run):
    pytest.importorskip("matplotlib", reason="pictures need matplotlib, the extra `plots`")
    from minigrad.plots import Run, report

    shutil.rmtree(run / "checkpoints")
    (run / "metrics.jsonl").unlink()
    whole = json.loads((run / "run.json").read_text())
    refused = []
    for name in [*whole, "resumed"]:
        for value in VALUES:
            (run / "run.json").write_text(json.dumps({**whole, name: value}))
            try:
                report(Run(run))
            except RunError as error:
                refused.append(str(error))
    assert len(refused) > 100
    assert all(sentence.startswith(f"{run / 'run.json'}: ") for sentence in refused)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected JSON: Expecting value"),
        (b"{", "expected JSON: Expecting property name"),
        (b"\xff", "expected text in UTF-8, found the byte 0xff"),
        (b"[1]", r"expected an object in JSON, found \[1\]"),
        (b"[" * 10**5, "expected JSON: maximum recursion depth"),
        (b'{"status": "\\ud800"}', "expected JSON: .*surrogates not allowed"),
        (b'{"format": 9}', "written by a newer minigrad, in format 9; minigrad .* reads 1 to 3"),
        (b'{"started": "yesterday"}', "'started' must be a time, as 2026-01-02T03:04:05"),
        (b'{"seconds": NaN}', "expected JSON: NaN is not a JSON number"),
    ],
)
def test_a_run_json_of_another_kind_is_refused_by_name(run, content, message):
    (run / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=f"run.json: {message}"):
        read_facts(run)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "expected JSON"),
        ("7", "expected an object in JSON, found 7"),
        ('{"epoch": 1}', "'step' must be an integer from 0, found null"),
        ('{"step": 1, "val/loss": "low"}', "'val/loss' must be a number, found \"low\""),
        ('{"step": 1, "val/loss": 1e999}', "'val/loss' must be a number, found Infinity"),
    ],
)
def test_a_line_that_is_no_record_is_named(run, line, message):
    with open(run / "metrics.jsonl", "a") as file:
        file.write(f"{line}\n")
    with pytest.raises(RunError, match=f"metrics.jsonl:3: {message}"):
        read_records(run)


def test_a_run_without_facts_or_records_says_nothing(run):
    (run / "run.json").unlink()
    (run / "metrics.jsonl").unlink()
    assert (read_facts(run), read_records(run)) == ({}, [])


@pytest.mark.parametrize("name", ["config.yaml", "run.json", "metrics.jsonl"])
def test_a_file_that_is_a_folder_ends_a_command_with_a_sentence(run, name, capsys):
    (run / name).unlink()
    (run / name).mkdir()
    assert main(["resume", str(run)]) in (1, 2) or name == "run.json"
    told = capsys.readouterr().err
    assert str(run) in told
    assert "--debug shows" not in told


def changed(state, path, value):
    """A state with another value at a path."""
    first, *rest = path
    return {**state, first: changed(state[first], rest, value) if rest else value}


@pytest.mark.parametrize("value", [None, -1, "x", [], {"a": []}])
@pytest.mark.parametrize(
    "path",
    [
        ["step"], ["steps"], ["lr"], ["optimizer"], ["options"], ["tally"], ["tally", "loss"], ["metrics"],
        ["callbacks"], ["best"], ["best", "weights"], ["best", "values"], ["run"], ["run", "config"],
        ["run", "metrics"],
    ],
    ids="/".join,
)  # fmt: skip
def test_a_state_that_no_training_writes_ends_a_resume_with_the_name_of_the_file(run, capsys, path, value):
    file = run / "checkpoints" / "last.safetensors"
    weights, state = read_checkpoint(file)
    write_checkpoint(file, weights, changed(state, path, value))
    code = main(["resume", str(run)])
    told = capsys.readouterr().err
    assert "--debug shows" not in told
    assert code in (0, 2)
    assert code == 0 or str(run) in told


@pytest.mark.parametrize("value", [None, -1, "x", [], {"a": []}])
@pytest.mark.parametrize(
    "path", [["step"], ["data"], ["known"], ["known", "sizes"], ["known", "target"], ["known", "facts"], ["config"]],
    ids="/".join,
)  # fmt: skip
def test_a_state_beside_the_best_weights_that_no_run_writes_is_named(run, tmp_path, capsys, path, value):
    file = run / "checkpoints" / "best.safetensors"
    weights, state = read_checkpoint(file)
    write_checkpoint(file, weights, changed(state, path, value))
    (tmp_path / "new.csv").write_text("1,2\n")
    code = main(["predict", str(run), str(tmp_path / "new.csv")])
    told = capsys.readouterr().err
    assert "--debug shows" not in told
    assert code in (0, 2)
    assert code == 0 or str(run) in told


def mutated(content, generator):
    """Bytes of which some are others, missing, or new."""
    content = bytearray(content)
    i, size = generator.randrange(len(content)), generator.randrange(1, 40)
    new = [bytes([generator.randrange(256)]), b"[", b'"', b"1e999", b"null", b"${data}", b"!!python/object:os.system"]
    content[i : i + generator.choice([0, 1, size])] = generator.choice([b"", *new, bytes(content[i : i + size])])
    return bytes(content)


def test_sixty_mutated_files_end_in_a_sentence_or_do_no_harm(trained, tmp_path, capsys):
    generator = random.Random(0)
    files = ["config.yaml", "run.json", "metrics.jsonl", "checkpoints/last.safetensors", "checkpoints/best.safetensors"]
    (tmp_path / "new.csv").write_text("1,2\n")
    for i in range(60):
        run = shutil.copytree(trained, tmp_path / f"run{i}")
        file = run / generator.choice(files)
        file.write_bytes(mutated(file.read_bytes(), generator))
        for words in (["predict", str(run), str(tmp_path / "new.csv")], ["resume", str(run)]):
            assert main(words) in (0, 2)
            assert "--debug shows" not in capsys.readouterr().err


def test_a_checkpoint_does_not_grow_with_what_was_logged(run):
    def size():
        return Path(run / "checkpoints" / "last.safetensors").stat().st_size

    before = size()
    assert main(["resume", str(run), "trainer.max_steps=400", "trainer.max_epochs=100", "trainer.log_every=1",
                 "--allow-changes"]) == 0  # fmt: skip
    assert len(read_records(run)) > 100
    assert size() < before + 200


def test_lines_that_are_not_those_of_the_checkpoint_are_refused_unless_that_is_allowed(run, capsys):
    file = run / "metrics.jsonl"
    file.write_text(file.read_text().replace("1", "2"))
    assert main(["resume", str(run)]) == 2
    told = capsys.readouterr().err
    assert f"{file}: its first" in told
    assert "bytes differ from those at the checkpoint" in told
    assert main(["resume", str(run), "--allow-changes"]) == 0


def without(text, line):
    assert text.count(line) == 1
    return text.replace(line, "")


def test_a_run_of_before_a_key_goes_on_where_it_has_its_default_and_else_the_key_is_named(run, capsys):
    file = run / "checkpoints" / "last.safetensors"
    weights, state = read_checkpoint(file)
    config = without(state["run"]["config"], "  on_nan: stop\n")
    write_checkpoint(file, weights, changed(state, ["run", "config"], config))
    (run / "config.yaml").write_text(config)
    assert main(["resume", str(run), "trainer.max_epochs=3"]) == 0
    write_checkpoint(file, weights, changed(state, ["run", "config"], config))
    capsys.readouterr()
    assert main(["resume", str(run), "trainer.on_nan=skip"]) == 2
    assert 'trainer.on_nan is "skip", and this run was trained with "stop"' in capsys.readouterr().err


def test_a_key_that_there_is_no_more_is_named_with_its_line(run, capsys):
    file = run / "checkpoints" / "last.safetensors"
    weights, state = read_checkpoint(file)
    config = state["run"]["config"].replace("  on_nan: stop\n", "  on_nan: stop\n  turbo: true\n")
    write_checkpoint(file, weights, changed(state, ["run", "config"], config))
    assert main(["resume", str(run)]) == 2
    told = capsys.readouterr().err
    assert f"{file}, its config:" in told
    assert "'turbo'" in told


def test_a_run_json_of_a_newer_minigrad_is_not_written_over(run, capsys):
    file = run / "run.json"
    text = json.dumps({**json.loads(file.read_text()), "format": 9, "unknown": 1})
    file.write_text(text)
    assert main(["resume", str(run)]) == 2
    assert "run.json: written by a newer minigrad, in format 9" in capsys.readouterr().err
    assert file.read_text() == text
