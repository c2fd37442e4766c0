"""Makes `.venv` from the hash-pinned lock; the only thing `make` needs is this.

Runs on any Python 3.6 or later, with the standard library alone: it takes the newest TFX
line whose wheels this machine can load and whose interpreter is there, says which it takes
and why, and does nothing where the environment already fits the lock. The variable
GOALPATH_TFX asks for one line, GOALPATH_PYTHON for one version of Python.
"""

import argparse
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Line = namedtuple("Line", ["version", "pythons", "systems", "lock"])
# A system's `glibc` is (major, minor): what it has, or the least that wheels need; None
# where there is none (macOS, musl).
System = namedtuple("System", ["name", "machine", "glibc"])
Interpreter = namedtuple("Interpreter", ["path", "origin"])
Choice = namedtuple("Choice", ["line", "interpreter", "reason"])

# One row a supported TFX line, the newest first: its Python versions, the newest first, the
# systems that ml-metadata's wheels are for (it has the fewest), and its lock file.
LINES = (
    Line(
        "1.21",
        ("3.13", "3.12", "3.11"),
        (System("Linux", "x86_64", (2, 39)), System("Darwin", "arm64", None)),
        "requirements/py311-tfx1.21.txt",
    ),
    Line(
        "1.16",
        ("3.10",),
        (System("Linux", "x86_64", (2, 17)), System("Darwin", "x86_64", None)),
        "requirements/py310-tfx1.16.txt",
    ),
)
OVERRIDE = "GOALPATH_TFX"
PYTHON_OVERRIDE = "GOALPATH_PYTHON"
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


def this_system():
    """The system this script runs on."""
    try:
        words = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
    except (AttributeError, OSError, ValueError):
        words = []
    glibc = None
    if len(words) == 2 and words[0] == "glibc":
        glibc = tuple(int(part) for part in words[1].split(".")[:2])
    return System(platform.system(), platform.machine(), glibc)


def shown(system):
    """`system` in words: "Linux x86_64 with glibc 2.36"."""
    if system.glibc is None:
        return f"{system.name} {system.machine}"
    return f"{system.name} {system.machine} with glibc {_dotted(system.glibc)}"


def _dotted(version):
    return ".".join(str(part) for part in version)


def bears(system, line):
    """Whether the wheels of `line` load on `system`."""
    for needed in line.systems:
        if (needed.name, needed.machine) == (system.name, system.machine):
            return needed.glibc is None or (
                system.glibc is not None and system.glibc >= needed.glibc
            )
    return False


def _needs(line):
    systems = " or ".join(
        shown(system) + (" or later" if system.glibc else "") for system in line.systems
    )
    return f"TFX {line.version} needs {systems}, and Python {' or '.join(line.pythons)}"


def choose(lines, system, environment):
    """The newest of `lines` that `system` bears and that has an interpreter.

    Args:
      lines: of type `Line`, the newest first.
      system: what this runs on.
      environment: mapping of environment variables; GOALPATH_TFX leaves one line only,
        GOALPATH_PYTHON one version of Python.

    Returns:
      A `Choice`, with the reason in words.

    Raises:
      SetupError: there is none; the message says in one line what to install.
    """
    asked = environment.get(OVERRIDE, "").strip()
    versions = [line.version for line in lines]
    if asked and asked not in versions:
        raise SetupError(
            f"{OVERRIDE} must be {' or '.join(versions)}, or empty for the one that fits."
            f" Received: {asked}."
        )
    python = environment.get(PYTHON_OVERRIDE, "").strip()
    if python:
        lines = [line._replace(pythons=(python,)) for line in lines if python in line.pythons]
        if not lines:
            raise SetupError(f"{PYTHON_OVERRIDE} names no Python of any line. Received: {python}.")
    passed_over = []
    missing = []
    for line in lines:
        if asked and line.version != asked:
            continue
        if not bears(system, line):
            passed_over.append(f"this is {shown(system)}, and {_needs(line)}")
            continue
        for python in line.pythons:
            for interpreter in candidates(python, environment):
                if runs(interpreter.path, python):
                    return Choice(line, interpreter, _reason(line, system, asked, passed_over))
        missing.append(line)
        passed_over.append(f"no Python {' or '.join(line.pythons)} for TFX {line.version}")
    if not missing:
        raise SetupError(
            f"no TFX that goalpath runs on has wheels for this machine: {'; '.join(passed_over)}."
        )
    wanted = [python for line in missing for python in line.pythons]
    raise SetupError(
        f"goalpath needs Python {' or '.join(wanted)} here, and none was found on the PATH, among"
        f" pyenv's versions or uv's: install one with `pyenv install {wanted[0]}` or"
        f" `uv python install {wanted[0]}`."
    )


def _reason(line, system, asked, passed_over):
    if asked:
        return f"{OVERRIDE}={asked} asks for it"
    if passed_over:
        return "; ".join(passed_over)
    return f"the newest line, and this is {shown(system)}"


def stamp_of(line, interpreter, root):
    """Text that changes with anything the environment is made from."""
    digest = hashlib.sha256()
    for name in (line.lock, BOOTSTRAP_LOCK, "setup.py", "tools/bootstrap.py"):
        digest.update((root / name).read_bytes())
    return f"TFX {line.version} {interpreter.path} {digest.hexdigest()}\n"


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
        line, interpreter, reason = choose(LINES, this_system(), os.environ)
        stamp = stamp_of(line, interpreter, ROOT)
        built = stamp_file.exists() and stamp_file.read_text() == stamp
        if built and not options.force:
            return 0
        print(
            f"TFX {line.version} on {interpreter.path} ({interpreter.origin}): {reason}", flush=True
        )
        make(line, interpreter, options.venv.absolute(), ROOT)
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    stamp_file.write_text(stamp)
    return 0


if __name__ == "__main__":
    sys.exit(main())
