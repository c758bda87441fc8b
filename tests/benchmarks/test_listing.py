from benchmarks.listing import measure_listing, render_listing


def test_runs_are_listed_before_and_after_they_have_changed():
    found = measure_listing(runs=30, rounds=1)
    assert found.first > 0
    assert len(found.again) == 1
    assert "30 runs, without an index" in render_listing(found)
