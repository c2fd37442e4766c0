"""Runs a command of this tree in a Debian 13, made with debootstrap; `make test` by default.

Usage: python3 tools/debian13.py [--root FOLDER] [--mirror URL] [-- COMMAND ...]

The tree is copied in as it stands, without what git ignores, and what is set up there stays
for the next time. How this machine reaches package archives and indexes goes along: apt's
mirror and proxy, the configuration of pip and uv, certificates, and the variables of these.
Needs Linux, root, debootstrap and git.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUITE = "trixie"
# A compiler and Python's headers: pyfarmhash, which TFDV asks for, comes as source only.
PACKAGES = ("ca-certificates", "g++", "git", "make", "procps", "python3-dev", "python3-venv")
TREE = "srv/goalpath"
KEPT = (".venv", ".benchmark", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
# Of the file system, not of a user: below HOME they are copied to the HOME in the root.
SYSTEM_FILES = ("etc/hosts", "etc/resolv.conf", "etc/pip.conf", "etc/uv")
USER_FILES = (".config/pip", ".pip", ".config/uv", ".netrc")
CERTIFICATES = ("etc/ssl/certs", "usr/local/share/ca-certificates")
PREFIXES = ("PIP_", "UV_", "GOALPATH_", "OMP_")
VARIABLES = (
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "LANG",
    "TERM",
)
# Folders and interpreters of this machine mean nothing in the root.
LEFT_OUT = ("PIP_FIND_LINKS", "PIP_CONFIG_FILE", "UV_CONFIG_FILE", "UV_PYTHON")


class RootError(Exception):
    """The root cannot be made or used; the message is for the person at the terminal."""


def check(system, user, tools):
    """Checks that a root can be made here.

    Args:
      system: `sys.platform`.
      user: number of the effective user.
      tools: mapping of each program needed to its path, or None.

    Raises:
      RootError: it cannot; the message has the remedy.
    """
    if system != "linux":
        raise RootError(f"a Debian root runs on Linux only. Received: {system}.")
    missing = sorted(name for name, path in tools.items() if path is None)
    if missing:
        raise RootError(f"{', '.join(missing)} not on the PATH: `apt-get install` it first.")
    if user != 0:
        raise RootError(
            "making and entering a Debian root needs root, and this is user"
            f" {user}: `sudo make test-debian13`."
        )


def mirror_of(targets):
    """The Debian mirror of this machine, or None.

    Args:
      targets: lines "origin codename address" of `apt-get indextargets`.
    """
    for line in targets.splitlines():
        origin, _, rest = line.partition(" ")
        codename, _, address = rest.partition(" ")
        if origin == "Debian" and "-" not in codename and address:
            return address.strip()
    return None


def passed_on(environment):
    """The variables that matter in the root, of `environment`."""
    names = {name.lower() for name in VARIABLES}
    return {
        name: value
        for name, value in environment.items()
        if name not in LEFT_OUT and (name.startswith(PREFIXES) or name.lower() in names)
    }


def _answer(*command):
    if shutil.which(command[0]) is None:
        return ""
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, encoding="utf-8"
    )
    return done.stdout if done.returncode == 0 else ""


def host_mirror():
    """The mirror that apt takes here, or None: then debootstrap has a default."""
    return mirror_of(
        _answer(
            "apt-get",
            "indextargets",
            "--format",
            "$(ORIGIN) $(CODENAME) $(REPO_URI)",
            "Created-By: Packages",
        )
    )


def with_apt_proxy(environment):
    """`environment`, with apt's proxies where it names none itself."""
    more = {}
    for scheme in ("http", "https"):
        name = f"{scheme}_proxy"
        assignment = _answer("apt-config", "shell", name, f"Acquire::{scheme}::Proxy").strip()
        if assignment and name not in environment:
            more[name] = shlex.split(assignment)[0].split("=", 1)[1]
    return {**environment, **more}


def make_root(root, mirror, environment):
    """Makes a Debian 13 in `root`, unless one was finished there.

    Raises:
      RootError: debootstrap failed; its own output is above the message.
    """
    finished = root / "etc" / "goalpath-root"
    wanted = " ".join((SUITE, *PACKAGES)) + "\n"
    if finished.exists() and finished.read_text() == wanted:
        return
    print(f"a Debian 13 in {root}, from {mirror or 'the default mirror'}", flush=True)
    if root.exists():
        shutil.rmtree(str(root))
    root.mkdir(parents=True)
    command = ["debootstrap", "--variant=minbase", "--include=" + ",".join(PACKAGES), SUITE]
    command += [str(root), *([mirror] if mirror else [])]
    if subprocess.run(command, env=environment, stdout=sys.stderr, check=False).returncode:
        raise RootError(f"debootstrap could not fill {root}: see the lines above.")
    finished.write_text(wanted)


def copy_configuration(root, host, home):
    """Copies how packages are reached from `host` (a folder, `/`) and `home` into `root`."""
    pairs = [(host / name, root / name) for name in SYSTEM_FILES + CERTIFICATES]
    pairs += [(home / name, root / "root" / name) for name in USER_FILES]
    for source, target in pairs:
        if source.is_dir():
            # Links are followed, since what they point to may be left out.
            shutil.copytree(
                str(source),
                str(target),
                dirs_exist_ok=True,
                ignore_dangling_symlinks=True,
                copy_function=_replace,
            )
        elif source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(str(source), str(target))


def _replace(source, target):
    if os.path.lexists(target):
        os.unlink(target)
    return shutil.copy2(source, target)


def copy_tree(tree, target):
    """Copies the files of the git checkout `tree` to `target`; what was set up there stays."""
    target.mkdir(parents=True, exist_ok=True)
    for entry in target.iterdir():
        if entry.name in KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(str(entry))
        else:
            entry.unlink()
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=str(tree),
        stdout=subprocess.PIPE,
        check=True,
        encoding="utf-8",
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (tree / name).is_file():  # a file may be deleted and not yet committed so
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(tree / name), str(target / name))


def run_in(root, command, environment):
    """Runs `command` in the copied tree; returns its exit code.

    Mounts are made in a name space of their own: they are gone with the command.
    """
    inside = {
        **environment,
        "HOME": "/root",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    }
    words = " ".join(shlex.quote(word) for word in command)
    script = (
        f"set -e; cd {shlex.quote(str(root))}; mount -t proc proc proc; mount --rbind /dev dev;"
        f" mount --rbind /sys sys; exec chroot . /bin/sh -c {shlex.quote(f'cd /{TREE} && {words}')}"
    )
    enter = ["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script]
    return subprocess.run(enter, env=inside, check=False).returncode


def main(arguments=None):
    """Makes the root, copies the tree, runs the command; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=ROOT / "build" / "debian13")
    parser.add_argument("--mirror", help="of Debian; that of this machine's apt by default")
    parser.add_argument("command", nargs="*", default=["make", "test"])
    options = parser.parse_args(arguments)
    root = options.root.absolute()
    try:
        check(
            sys.platform,
            os.geteuid(),
            {name: shutil.which(name) for name in ("debootstrap", "git", "unshare")},
        )
        environment = with_apt_proxy(passed_on(os.environ))
        make_root(root, options.mirror or host_mirror(), {**os.environ, **environment})
        copy_configuration(root, Path("/"), Path.home())
        copy_tree(ROOT, root / TREE)
        return run_in(root, options.command, environment)
    except RootError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
