"""Two things that setup.cfg cannot say: what the wheel takes from beside the package, and the page for an index."""

import re
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("configs", "models")


class BuildWithShipped(build_py):
    """Copies `configs/` and `models/` into the package; an editable install finds them where they are."""

    def run(self) -> None:
        """Build the package, then add the folders as `minigrad/shipped/`."""
        super().run()
        if not self.editable_mode:
            for name in SHIPPED:
                target = Path(self.build_lib, "minigrad", "shipped", name)
                shutil.rmtree(target, ignore_errors=True)  # of an earlier build
                # the schema is half a megabyte that `minigrad schema` prints, for editors in a clone
                shutil.copytree(name, target, ignore=shutil.ignore_patterns("__pycache__", "*.schema.json"))


def page() -> str:
    """Return the README without its pictures, and without links to files that an index does not have."""
    text = Path("README.md").read_text(encoding="utf-8")
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)\n*", "", text)
    return re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", text)


setup(cmdclass={"build_py": BuildWithShipped}, long_description=page(), long_description_content_type="text/markdown")
