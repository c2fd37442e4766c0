"""Removes from an environment what a container never opens: C++ headers, tests of libraries.

Usage: python prune_environment.py ENVIRONMENT
It prints how much that was. `pip check` and every import stay as they were.
"""

import shutil
import sys
from pathlib import Path

# Only whole folders of these names, one level below a package: deeper ones may be its code.
HEADERS = ("tensorflow/include", "pyarrow/include", "numpy/core/include")
TESTED = ("numpy", "pandas", "pyarrow", "scipy", "sklearn")


def removable(site_packages):
    """The folders that are not needed, largest packages first."""
    found = [site_packages / name for name in HEADERS]
    for package in TESTED:
        found.extend(sorted((site_packages / package).rglob("tests")))
    return [folder for folder in found if folder.is_dir()]


def size_of(folder):
    """Bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def prune(environment):
    """Removes them; returns how many bytes that were."""
    removed = 0
    for site_packages in sorted(environment.glob("lib/python3*/site-packages")):
        for folder in removable(site_packages):
            if folder.is_dir():  # it may have been below one that is gone
                removed += size_of(folder)
                shutil.rmtree(str(folder))
    return removed


if __name__ == "__main__":
    print(f"removed {prune(Path(sys.argv[1])) // 1_000_000} MB")
