from dataclasses import replace

from benchmarks.footprint import Footprint
from benchmarks.growth import Curve
from benchmarks.runner import Result
from benchmarks.table import render_comparison, render_footprints, render_growth
from benchmarks.workload import Goal, Workload

WORKLOAD = Workload("any", "any work", lambda dtype, smoke: None, {})


def line(text, beginning):
    (found,) = (line for line in text.splitlines() if line.strip().startswith(beginning))
    return found


def test_a_peer_that_takes_three_times_as_long_has_the_ratio_three():
    ours, theirs = Result("minigrad", [2e-6, 2e-6, 2e-6]), Result("torch", [6e-6, 6e-6, 6e-6])
    text = render_comparison(WORKLOAD, [ours, theirs])
    assert line(text, "PyTorch eager").split()[-1] == "3.00"
    assert line(text, "minigrad").split()[-1] == "1.00"


def test_the_ratio_is_of_turns_of_the_same_round():
    slow_moment_for_both = [Result("minigrad", [1e-6, 9e-6, 1e-6]), Result("torch", [2e-6, 18e-6, 2e-6])]
    assert line(render_comparison(WORKLOAD, slow_moment_for_both), "PyTorch eager").split()[-1] == "2.00"


def test_a_disagreement_stands_where_the_times_would():
    faulty = Result("torch", fault="disagrees: losses off by 0.1 of their size")
    text = render_comparison(WORKLOAD, [Result("minigrad", [1e-6, 1e-6]), faulty])
    assert line(text, "PyTorch eager").strip() == "PyTorch eager   disagrees: losses off by 0.1 of their size"


def test_where_minigrad_has_no_time_the_others_have_no_ratio():
    text = render_comparison(WORKLOAD, [Result("minigrad", fault="disagrees"), Result("torch", [1e-6, 1e-6])])
    assert line(text, "PyTorch eager").split() == ["PyTorch", "eager", "1.00", "1.00", "to", "1.00"]


def test_what_comes_on_top_of_numpy_is_told_in_microseconds():
    text = render_comparison(WORKLOAD, [Result("numpy", [1e-6] * 3), Result("minigrad", [2.5e-6] * 3)])
    assert line(text, "minigrad").split()[-1] == "1.50"


def test_memory_and_sizes_are_in_mebibytes():
    text = render_comparison(WORKLOAD, [Result("minigrad", [1e-6, 1e-6], peak=64 * 2**20)])
    assert line(text, "minigrad").split()[-2:] == ["64", "1.00"]
    text = render_footprints([Footprint("minigrad", [0.02, 0.02], 3 * 2**19)])
    assert line(text, "minigrad").split() == ["minigrad", "20", "20", "to", "20", "1.5"]


def test_steps_of_many_milliseconds_are_told_in_milliseconds():
    text = render_comparison(WORKLOAD, [Result("minigrad", [0.04] * 3), Result("torch", [0.05] * 3)])
    assert line(text, "ms").split()[0] == "ms"
    assert line(text, "PyTorch eager").split()[2] == "50.0"


def test_goals_stand_beside_what_was_reached():
    workload = replace(WORKLOAD, goals={"torch": Goal(1.3, memory=1.67)})
    ours, theirs = Result("minigrad", [1e-6, 1e-6], peak=2**26), Result("torch", [2e-6, 2e-6], peak=2**28)
    text = render_comparison(workload, [ours, theirs])
    assert line(text, "PyTorch eager").split()[-7:] == ["2.00", "≥", "1.30", "256", "4.00", "≥", "1.67"]
    assert "goal" not in render_comparison(WORKLOAD, [ours, theirs])


def test_a_curve_is_a_line_of_times_a_line_of_memory_and_exponents():
    curve = Curve("torch", "batch", [4, 8], [1e-3, 2e-3], [2**20, 2**21], 1.0, 1.0)
    text = render_growth([curve])
    assert line(text, "batch: sequences in a batch").split()[-3:] == ["4", "8", "exponent"]
    assert line(text, "PyTorch eager, ms").split()[-3:] == ["1.00", "2.00", "1.00"]
    assert line(text, "PyTorch eager, MiB").split()[-3:] == ["1.00", "2.00", "1.00"]


def test_a_curve_without_memory_has_no_exponent_of_it():
    text = render_growth([Curve("torch", "batch", [4, 8], [1e-3, 2e-3], [None, None], 1.0)])
    assert line(text, "PyTorch eager, MiB").split() == ["PyTorch", "eager,", "MiB"]


def test_why_a_curve_is_missing_stands_in_its_place():
    text = render_growth([Curve("torch", "batch", [4, 8], fault="disagrees: losses off by 0.1 of their size")])
    assert "disagrees" in line(text, "PyTorch eager, ms")
