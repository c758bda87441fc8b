"""The soak: what grows is a fault, and kills of a kind end with every byte of a run left alone."""

import os
import sys

import pytest

from benchmarks.kills import KINDS, OLD
from benchmarks.soak import GROWTH, SAMPLES, faults_of, render_soak, soak
from minigrad.cli import main

FLAT = [(step, 50 * 2**20, 7, 2) for step in range(1, SAMPLES + 1)]


def grown(memory=0, descriptors=0, threads=0):
    step, held, files, running = FLAT[-1]
    return [*FLAT[:-1], (step, held + memory, files + descriptors, running + threads)]


def test_a_flat_training_has_no_faults():
    assert faults_of(FLAT) == faults_of(grown(memory=GROWTH)) == []


def test_what_grows_is_named():
    assert faults_of(grown(memory=GROWTH + 2**20)) == ["grew: memory by 5.0 MiB"]
    assert faults_of(grown(descriptors=1)) == ["grew: descriptors from 7 to 8"]
    assert faults_of(grown(threads=2)) == ["grew: threads from 2 to 4"]


def test_growth_while_it_warms_up_is_none():
    assert faults_of([(1, 2**20, 3, 1), *FLAT[1:]]) == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if OLD not in KINDS[kind]])
def test_every_kind_is_a_config_that_trains(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kind.yaml").write_text(f"name: kind\n{KINDS[kind]}")
    assert main(["check", "kind.yaml"]) == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or not hasattr(os, "fork"), reason="reads /proc, and forks")
def test_a_short_soak_finds_nothing():
    found = soak(steps=200, kills=len(KINDS))
    assert not found.faults
    assert len(found.samples) == SAMPLES
    assert list(found.kills) == list(KINDS)
    assert "200 steps: " in render_soak(found)
