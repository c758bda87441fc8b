"""A grid that ranks share: each member is trained once, and rank 0 tells of all."""

import os

import pytest

pytestmark = pytest.mark.mpi

CONFIG = """\
name: small
data: {Moons: {n_samples: 100}}
model: {Sequential: [{Linear: [2, 2]}]}
loss: CrossEntropyLoss
optimizer: {SGD: {lr: 0.1}}
trainer: {max_epochs: 1}
"""


def test_ranks_share_the_members_of_a_grid(ranks):
    (ranks.folder / "small.yaml").write_text(CONFIG)
    code, out, errors = ranks.run(3, "sweep", "small.yaml", "--grid", "seed=[1, 2, 3, 4]")
    assert code == 0, errors
    assert sorted(line.split()[0] for line in out.splitlines()[1:]) == ["1", "2", "3", "4"]
    assert sorted(os.listdir(ranks.folder / "runs" / "small")) == ["0001", "0002", "0003", "0004"]
    alone = ranks.run(1, "sweep", "small.yaml", "--grid", "seed=[1, 2, 3, 4]", "--name", "alone")[1]
    assert [line.split()[:2] for line in alone.splitlines()] == [line.split()[:2] for line in out.splitlines()]


def test_a_mistake_is_said_once_by_all_ranks(ranks):
    (ranks.folder / "small.yaml").write_text(CONFIG)
    code, out, errors = ranks.run(3, "sweep", "small.yaml", "--grid", "optimizer.lx=[1, 2]")
    assert (code, out) == (2, "")
    assert errors.count("SGD has no argument 'lx'") == 1
