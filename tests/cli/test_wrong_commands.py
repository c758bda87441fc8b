"""Every wrong command is answered by one sentence with the remedy, ends with 2, and writes nothing."""

import shlex

import pytest

OF_A_CONFIG = ("train", "check", "config", "profile", "find-lr", "sweep --seeds 2")
"""Commands whose config may be the only one in the folder."""

WRONG = [
    # the name of the command
    ("tran small.yaml", "did you mean minigrad train?"),
    ("Train small.yaml", "did you mean minigrad train?"),
    ("fit small.yaml", "did you mean minigrad train?"),
    ("test runs/small/0001", "did you mean minigrad evaluate?"),
    ("eval runs/small/0001", "did you mean minigrad evaluate?"),
    ("find_lr small.yaml", "did you mean minigrad find-lr?"),
    ("init mine", "did you mean minigrad new?"),
    ("ls", "did you mean minigrad list?"),
    ("--train small.yaml", "did you mean minigrad train?"),
    ("frobnicate", "minigrad help lists them: train, resume, check"),
    ("help trian", "did you mean minigrad train?"),
    ("help train check", "unexpected: minigrad help train"),
    ("--version now", "--version takes no arguments"),
    # a command that is not named
    ("small.yaml", "name the command first: minigrad train small.yaml"),
    ("small.yaml trainer.max_epochs=1", "name the command first: minigrad train small.yaml trainer.max_epochs=1"),
    ("trainer.max_epochs=1", "name the command first: minigrad train trainer.max_epochs=1"),
    ("runs/small/0001", "is a run: minigrad resume, evaluate, predict, plot or report runs/small/0001"),
    # options of before
    ("small.yaml --check", "name the command first: minigrad check small.yaml"),
    ("small.yaml --sweep seed=[1,2]", "name the command first: minigrad sweep small.yaml --grid"),
    ("runs/small/0001 --resume", "name the command first: minigrad resume runs/small/0001"),
    ("runs/small/0001 --test", "name the command first: minigrad evaluate runs/small/0001"),
    ("--list", "--list is a command: minigrad list"),
    ("--schema", "minigrad schema"),
    ("--describe Linear", "minigrad describe NAME"),
    ("train small.yaml --check", "--check is a command: minigrad check CONFIG"),
    ("train small.yaml --print-config", "minigrad config CONFIG"),
    ("train small.yaml --summary", "minigrad config CONFIG --layers"),
    ("train runs/small/0001 --resume=true", "--resume is a command: minigrad resume RUN"),
    ("train runs/small/0001 --predict five.png", "minigrad predict RUN FILE"),
    ("train --plot-svg", "minigrad plot RUN --svg"),
    ("train runs/small/0001 --generate The", "minigrad generate RUN PROMPT"),
    ("train --version", "minigrad --version"),
    # two commands
    ("train check small.yaml", "one command at a time, type: minigrad check small.yaml"),
    ("check small.yaml train", "one command at a time, type: minigrad train"),
    ("plot runs/small/0001 report runs/small/0001", "one command at a time, type: minigrad report runs/small/0001"),
    # a config as an option
    ("--config small.yaml", "the config needs no option: minigrad train small.yaml"),
    ("-c small.yaml", "the config needs no option: minigrad train small.yaml"),
    ("train --config small.yaml", "the config needs no option: minigrad train small.yaml"),
    ("check --config=small.yaml", "the config needs no option: minigrad check small.yaml"),
    # a value of the config as an option
    ("train small.yaml --epochs 5", "change this config value with trainer.max_epochs=5"),
    ("train small.yaml --lr 1e-3", "change this config value with optimizer.lr=1e-3"),
    ("train small.yaml -lr 1e-3", "change this config value with optimizer.lr=1e-3"),
    ("train small.yaml --learning-rate 1e-3", "change this config value with optimizer.lr=1e-3"),
    ("train small.yaml --batch-size 32", "change this config value with loader.batch_size=32"),
    ("train small.yaml --seed 3", "change this config value with seed=3"),
    ("train small.yaml --optimizer.lr 1e-3", "change this config value with optimizer.lr=1e-3"),
    ("train small.yaml --max_epochs", "change this config value with trainer.max_epochs=VALUE"),
    ("train small.yaml --epochs=5", "did you mean 'trainer.max_epochs'?"),
    ("train small.yaml optimizer.lr", "change a config value with optimizer.lr=VALUE"),
    ("train small.yaml 'optimizer: {lr: 3}'", "write KEY=VALUE"),
    ("train small.yaml optimizer.lr = 1e-3", "write optimizer.lr=1e-3, without spaces"),
    ("train optimizer.lr = 1e-3", "write optimizer.lr=1e-3, without spaces"),
    ("resume runs/small/0001 trainer.max_epochs = 9", "write trainer.max_epochs=9, without spaces"),
    ("train small.yaml optimizer.betas=[0.9, 0.99]", "put it in quotes, 'optimizer.betas=[0.9, 0.99]'"),
    ("sweep small.yaml --grid optimizer.lr=[0.1, 0.2]", "unexpected argument"),
    ("train small.yaml optimizer.lrr=1", "did you mean 'lr'?"),
    # options that are not there, or have no value, or a wrong one
    ("train small.yaml --treads 2", "did you mean --threads?"),
    ("train small.yaml --threads two", "--threads must be an integer, 1 or more, not 'two'"),
    ("train small.yaml --threads 0", "--threads must be an integer, 1 or more, not '0'"),
    ("train small.yaml --threads", "--threads needs a value, as in: --threads N"),
    ("train small.yaml --tokens 5", "--tokens is an option of minigrad generate, not of minigrad train"),
    ("train small.yaml --gpu", "change this config value with trainer.device=VALUE"),
    ("evaluate runs/small/0001 --runs-dir here", "--runs-dir is an option of minigrad train and sweep"),
    ("predict runs/small/0001 x.csv --format xml", "choose from"),
    ("generate runs/small/0001 The --temperature warm", "--temperature must be a number, such as 0.8, not 'warm'"),
    ("generate runs/small/0001 '- one'", "put -- before a text that begins with a dash"),
    ("generate runs/small/0001 --Once", "put -- before a text that begins with a dash"),
    ("generate runs/small/0001 Once upon", "'upon' has no value"),
    # what is missing
    ("resume", "minigrad resume needs RUN, as in: minigrad resume runs/digits_mlp/0001"),
    ("predict runs/small/0001", "minigrad predict needs FILE"),
    ("generate runs/small/0001", "minigrad generate needs PROMPT"),
    ("sweep small.yaml", "minigrad sweep needs --grid"),
    ("describe", "minigrad describe needs NAME"),
    ("new", "minigrad new needs NAME"),
    # files
    *((command, "several configs are here, name one: another.yaml, small.yaml") for command in OF_A_CONFIG),
    ("train smal.yaml", "there is no file smal.yaml; did you mean small.yaml?"),
    ("train small", "did you mean small.yaml?"),
    ("train configs/digits_mpl.yaml", "did you mean configs/digits_mlp.yaml?"),
    ("train runs", "runs is a folder, expected a config"),
    ("train small.yaml another.yaml", "unexpected another.yaml: minigrad train takes one config"),
    ("train runs/small/0001", "minigrad resume runs/small/0001 continues it"),
    ("check runs/small/0001", "minigrad check runs/small/0001/config.yaml"),
    ("resume small.yaml", "small.yaml is a config, and minigrad resume needs a run, such as runs/small/0001"),
    ("resume runs/small", "did you mean runs/small/0001?"),
    ("resume runs/small/1", "did you mean runs/small/0001?"),
    ("evaluate runs/small/0001/config.yaml", "expected the run: minigrad evaluate runs/small/0001"),
    ("evaluate nowhere", "did you mean runs/small/0001?"),
    ("report runs/small/0001 runs/small/0001", "unexpected runs/small/0001: minigrad report takes one run"),
    # names
    ("list Modul", "did you mean Module?"),
    ("list modules", "did you mean Module?"),
    ("describe Linaer", "did you mean 'Linear'?"),
    ("new digit", "did you mean digits?"),
    ("new mine", "minigrad new mine --from TEMPLATE, one of digits, images, layer"),
    ("new mine --from tabel", "did you mean table?"),
    ("new small.yaml --from digits", "small.yaml already exists"),
    ("new no/where/mine --from digits", "there is no folder no/where"),
    ("new 'a b' --from digits", "use letters, digits"),
]


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize(("command", "remedy"), WRONG, ids=[command for command, _ in WRONG])
def test_a_wrong_command_is_answered_with_its_remedy(said, trained, command, remedy):
    before = files(trained)
    exit_code, out, err = said(*shlex.split(command))
    assert (exit_code, out) == (2, "")
    assert remedy in err
    assert "error: " in err
    assert "Traceback" not in err
    assert files(trained) == before
