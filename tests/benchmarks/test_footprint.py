import numpy as np

from benchmarks.footprint import footprints, installed_size


def test_an_installed_package_is_as_large_as_its_files(tmp_path, monkeypatch):
    package = tmp_path / "of_known_size"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_bytes(b"#" * 300)
    (package / "__pycache__" / "__init__.pyc").write_bytes(b"#" * 1000)
    (tmp_path / "of_known_size.libs").mkdir()
    (tmp_path / "of_known_size.libs" / "blas.so").write_bytes(b"#" * 50)
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_size("of_known_size") == 350


def test_importing_minigrad_is_measured_beside_numpy(monkeypatch):
    monkeypatch.setattr("benchmarks.footprint.PEERS", {"numpy": ("", "numpy"), "minigrad": ("", "minigrad")})
    numpy, minigrad = footprints(rounds=1)
    assert (numpy.package, minigrad.package) == ("numpy", "minigrad")
    assert len(minigrad.seconds) == 1
    assert minigrad.seconds[0] > 0
    assert minigrad.size < numpy.size
    assert np.isfinite(numpy.seconds).all()
