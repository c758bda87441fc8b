"""The panel: each row is one problem for all, and the figures are put together rightly."""

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.agreement import disagreement
from benchmarks.limits import limits
from benchmarks.panel import MARKS, Compared, chosen, has_marks, markdown, render_panel, replace_panel, summary
from benchmarks.runner import Result
from benchmarks.workload import STEPS
from benchmarks.workloads.besides import BESIDES
from benchmarks.workloads.panel_rows import PANEL

pytestmark = pytest.mark.usefixtures("one_thread")
ALL = {**PANEL, **BESIDES}


def report(name, peer, dtype):
    workload = ALL[name]
    trial = workload.peers[peer](workload.problem(dtype, True))
    losses = [float(trial.step()) for _ in range(STEPS)]
    return {"losses": losses, "state": [np.array(array) for array in trial.state()]}, trial


def test_there_are_24_rows_by_their_numbers():
    assert [int(name.split("_")[1]) for name in PANEL] == [*range(1, 25)]


@pytest.mark.parametrize("name", ALL)
def test_all_ways_of_minigrad_do_the_arithmetic_of_the_plain_loop(name):
    peers = [peer for peer in ("bare", "step", "trainer") if peer in ALL[name].peers]
    reference, _ = report(name, "bare", "float64")
    for peer in peers:
        found, trial = report(name, peer, "float32")
        assert disagreement(found, reference) is None, peer
        assert np.isfinite(float(trial.step()))  # the first in which dropout draws


@pytest.mark.parity
@pytest.mark.parametrize("name", [name for name in ALL if "torch" in ALL[name].peers])
def test_pytorch_does_the_same_arithmetic(name):
    pytest.importorskip("torch", reason="parity with PyTorch needs torch")
    reference, _ = report(name, "bare", "float64")
    found, _ = report(name, "torch", "float32")
    assert disagreement(found, reference) is None


def test_rows_are_chosen_by_number_or_name():
    assert [*chosen(["9"])] == [*chosen(["lstm"])] == [*chosen(["09"])] == ["panel_09_lstm"]
    assert len(chosen([])) == len(ALL)
    with pytest.raises(ValueError, match=r"the panel has no row '99'; rows are mnist_16, "):
        chosen(["99"])


def row(name="panel_09_lstm", **seconds):
    results = [Result(peer, [value, value], 3 * 2**20, None, 2**20) for peer, value in seconds.items()]
    results[0].limits = {"products": 0.5e-3, "memory": 0.1e-3, "calls": 0.0}
    return Compared(name, "an LSTM", results)


class TestTheFigures:
    found = row(bare=2e-3, step=1e-3, trainer=4e-3, torch=3e-3, torch_compiled=0.8e-3)

    def test_ratios_are_those_of_the_best_way_and_of_the_plain_loop(self):
        assert self.found.times(["torch"]) == pytest.approx(3)
        assert self.found.times(["torch"], "bare") == pytest.approx(1.5)
        assert self.found.times(["torch", "torch_compiled"]) == pytest.approx(0.8)
        assert self.found.times(["jax"]) is None
        assert self.found.memory == pytest.approx(1)

    def test_the_table_says_what_limits_a_row_and_who_is_missing(self):
        shown = render_panel([self.found])
        assert "9 an LSTM" in shown
        assert "products" in shown
        assert "not here: PyTorch, fused optimizer, JAX jit" in shown
        assert f"{1e-3 / 0.6e-3:.2f}" in shown

    def test_a_fault_is_told_in_the_place_of_a_time(self):
        broken = Compared("panel_09_lstm", "an LSTM", [Result("bare", fault="disagrees: losses off by 0.1")])
        assert "an LSTM: minigrad, bare loop: disagrees: losses off by 0.1" in render_panel([broken])

    def test_the_summary_counts_the_rows_alone(self):
        rows = [self.found, row("panel_10_gru", bare=1e-3, torch=0.5e-3), row("panel_28_loader", bare=1, torch=1e-3)]
        assert summary(rows)[0] == "PyTorch eager ÷ best way: at least 1.0 in 1 of 2, least 0.50, mean 1.22"

    def test_a_page_gets_the_table_between_its_marks(self, tmp_path):
        page = tmp_path / "page.md"
        page.write_text("no place")
        assert not has_marks(page)
        page.write_text(f"before\n{MARKS[0]}\nold\n{MARKS[1]}\nafter\n")
        for _ in range(2):
            replace_panel(page, markdown([self.found]))
        assert page.read_text().startswith(f"before\n{MARKS[0]}\n\n|  | plain |")
        assert page.read_text().endswith(f"{MARKS[1]}\nafter\n")
        assert "old" not in page.read_text()

    def test_the_picture_is_drawn(self, tmp_path):
        pytest.importorskip("matplotlib", reason="pictures need matplotlib")
        from benchmarks.plot_panel import plot_panel

        plot_panel(tmp_path / "panel.png", [self.found, row(bare=1e-3, torch=2e-3)])
        assert (tmp_path / "panel.png").exists()
        with pytest.raises(ValueError, match="no peer was timed"):
            plot_panel(tmp_path / "panel.png", [row(bare=1e-3)])


def test_the_limit_of_a_step_counts_products_passes_and_calls():
    workload = PANEL["panel_09_lstm"]
    trial = workload.peers["bare"](workload.problem("float32", True))
    found = limits(trial.step)
    assert found["products"] > 0
    assert found["calls"] > 0
    assert found["memory"] == 0  # all of it fits a cache


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--only", "99"], "the panel has no row '99'"),
        (["--page", "none.md"], "--page names a page with the lines <!-- panel --> and"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_measured(options, said, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["panel", *options])
    assert said in capsys.readouterr().err


def test_the_command_measures_a_row(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.workload.find_spec", lambda package: package in ("numpy", "minigrad"))
    page = tmp_path / "page.md"
    page.write_text("\n".join(MARKS))
    arguments = ["panel", "--only", "23", "--smoke", "--rounds", "2", "--page", str(page)]
    assert main([*arguments, "--json", str(tmp_path / "out.json")]) == 0
    assert "23 MLP 64-64-1 at batch 1, SGD" in capsys.readouterr().out
    assert "| 23 MLP 64-64-1" in page.read_text()
    assert "panel_23_batch_of_one" in (tmp_path / "out.json").read_text()
