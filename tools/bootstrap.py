"""Makes `.venv` from the hash-pinned lock; the only thing `make` needs is this.

Runs on any Python 3.6 or later, with the standard library alone: it looks for an
interpreter that the lock was made for, says which it takes and why, and does nothing
where the environment already fits the lock.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Line = namedtuple("Line", ["name", "python", "lock"])
Interpreter = namedtuple("Interpreter", ["path", "origin"])

# One row a supported TFX line: name, Python version, lock file.
LINES = (Line("TFX 1.16", "3.10", "requirements/py310-tfx1.16.txt"),)
BOOTSTRAP_LOCK = "requirements/bootstrap.txt"


class SetupError(Exception):
    """Set-up cannot go on; the message is for the person at the terminal."""


def candidates(python, environment):
    """Yields interpreters of version `python` in order of preference.

    Args:
      python: major and minor version, such as "3.10".
      environment: mapping of environment variables (PATH, PYENV_ROOT, HOME, ...).
    """
    found = shutil.which("python" + python, path=environment.get("PATH", os.defpath))
    if found:
        yield Interpreter(found, "on the PATH")
    home = Path(environment.get("HOME", "~")).expanduser()
    pyenv = Path(environment.get("PYENV_ROOT", str(home / ".pyenv")))
    yield from _below(pyenv / "versions", python + ".*", "pyenv", python)
    data = Path(environment.get("XDG_DATA_HOME", str(home / ".local" / "share")))
    uv = Path(environment.get("UV_PYTHON_INSTALL_DIR", str(data / "uv" / "python")))
    yield from _below(uv, "cpython-" + python + ".*", "uv", python)


def _below(folder, pattern, origin, python):
    def patch_level(path):
        digits = path.name.split("-")[1] if "-" in path.name else path.name
        return [int(part) for part in digits.split(".") if part.isdigit()]

    for version in sorted(folder.glob(pattern), key=patch_level, reverse=True):
        binary = version / "bin" / ("python" + python)
        if binary.exists():
            yield Interpreter(str(binary), origin + "'s " + version.name)


def runs(path, python):
    """Whether `path` starts and is of version `python`: a pyenv shim may not be."""
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run(
            [path, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return answer.returncode == 0 and answer.stdout.decode().strip() == python


def find_interpreter(lines, environment):
    """The first line of `lines` that has an interpreter, and that interpreter.

    Raises:
      SetupError: there is none; the message says in one line what to install.
    """
    for line in lines:
        for interpreter in candidates(line.python, environment):
            if runs(interpreter.path, line.python):
                return line, interpreter
    wanted = " or ".join(sorted({line.python for line in lines}))
    raise SetupError(
        f"goalpath needs Python {wanted}, and none was found on the PATH, among pyenv's versions"
        f" or uv's: install one with `pyenv install {wanted}` or `uv python install {wanted}`."
    )


def stamp_of(line, interpreter, root):
    """Text that changes with anything the environment is made from."""
    digest = hashlib.sha256()
    for name in (line.lock, BOOTSTRAP_LOCK, "setup.py", "tools/bootstrap.py"):
        digest.update((root / name).read_bytes())
    return f"{line.name} {interpreter.path} {digest.hexdigest()}\n"


def make(line, interpreter, venv, root):
    """Builds `venv` anew: interpreter, uv, the lock, then goalpath in place.

    Raises:
      SetupError: a step failed; its own output is above the message.
    """
    # Wheels found beside the lock's own index would not match its hashes.
    environment = {k: v for k, v in os.environ.items() if k not in ("PIP_FIND_LINKS", "PYTHONPATH")}
    environment["VIRTUAL_ENV"] = str(venv)
    python = str(venv / "bin" / "python")
    uv = [str(venv / "bin" / "uv"), "--no-config", "--quiet", "pip"]
    hashes = ["--require-hashes", "-r"]
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    steps = (
        ("a bare environment", [interpreter.path, "-m", "venv", "--clear", str(venv)]),
        ("the installer", [*pip, "install", "--no-deps", *hashes, BOOTSTRAP_LOCK]),
        (
            "the locked packages (the first time they are downloaded: 1 GB)",
            [*uv, "install", "--no-deps", *hashes, line.lock],
        ),
        (
            "goalpath itself",
            [*uv, "install", "--no-deps", "--no-build-isolation", "--editable", "."],
        ),
    )
    for number, (what, command) in enumerate(steps, start=1):
        print(f"set-up {number}/{len(steps)}: {what}", flush=True)
        if subprocess.run(command, cwd=str(root), env=environment, check=False).returncode:
            raise SetupError(f"set-up stopped at {what}: see the lines above.")


def main(arguments=None):
    """Makes or leaves `.venv`; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--force", action="store_true", help="build it anew")
    options = parser.parse_args(arguments)
    stamp_file = options.venv / "goalpath-stamp"
    try:
        line, interpreter = find_interpreter(LINES, os.environ)
        stamp = stamp_of(line, interpreter, ROOT)
        built = stamp_file.exists() and stamp_file.read_text() == stamp
        if built and not options.force:
            return 0
        print(f"{line.name} on {interpreter.path} ({interpreter.origin})", flush=True)
        make(line, interpreter, options.venv.absolute(), ROOT)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    stamp_file.write_text(stamp)
    return 0


if __name__ == "__main__":
    sys.exit(main())
