"""What a Debian root is made from and what goes into it; no root is made here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import debian13

TOOLS = {"debootstrap": "/usr/sbin/debootstrap", "git": "/usr/bin/git"}


def test_root_on_linux_with_the_tools_passes() -> None:
    debian13.check("linux", 0, TOOLS)


@pytest.mark.parametrize(
    ("system", "user", "tools", "message"),
    [
        ("darwin", 0, TOOLS, "Linux only. Received: darwin"),
        ("linux", 1000, TOOLS, "needs root, and this is user 1000: `sudo make test-debian13`"),
        ("linux", 0, {**TOOLS, "debootstrap": None}, "debootstrap not on the PATH"),
    ],
)
def test_where_no_root_can_be_made_the_remedy_is_said(
    system: str, user: int, tools: dict[str, str | None], message: str
) -> None:
    with pytest.raises(debian13.RootError) as error:
        debian13.check(system, user, tools)
    assert message in str(error.value)


def test_the_mirror_is_that_of_debian_itself() -> None:
    targets = (
        "Vendor bookworm http://packages.test/vendor/\n"
        "Debian bookworm-security http://mirror.test/debian-security/\n"
        "Debian bookworm http://mirror.test/debian/\n"
    )
    assert debian13.mirror_of(targets) == "http://mirror.test/debian/"


@pytest.mark.parametrize("targets", ["", "Ubuntu noble http://mirror.test/ubuntu/\n"])
def test_without_debian_the_mirror_is_left_to_debootstrap(targets: str) -> None:
    assert debian13.mirror_of(targets) is None


def test_only_variables_of_packages_and_of_the_choice_go_along() -> None:
    kept = {
        "PIP_INDEX_URL": "https://index.test/simple",
        "UV_DEFAULT_INDEX": "https://index.test/simple",
        "HTTPS_PROXY": "http://proxy.test:1",
        "no_proxy": "localhost",
        "GOALPATH_PYTHON": "3.13",
    }
    left = {"PIP_FIND_LINKS": "/wheels", "HOME": "/home/x", "PYTHONPATH": "/x", "TOKEN": "x"}
    assert debian13.passed_on({**kept, **left}) == kept


def test_configuration_is_copied_with_what_its_links_point_to(tmp_path: Path) -> None:
    host, home, root = tmp_path / "host", tmp_path / "home", tmp_path / "root"
    (host / "etc/ssl/certs").mkdir(parents=True)
    (host / "own.pem").write_text("certificate")
    (host / "etc/ssl/certs/own.pem").symlink_to(host / "own.pem")
    (host / "etc/pip.conf").write_text("[global]\n")
    (home / ".config/uv").mkdir(parents=True)
    (home / ".config/uv/uv.toml").write_text("offline = false\n")
    (root / "etc/ssl/certs").mkdir(parents=True)
    (root / "etc/ssl/certs/own.pem").symlink_to("/nowhere")
    debian13.copy_configuration(root, host, home)
    assert not (root / "etc/ssl/certs/own.pem").is_symlink()
    assert (root / "etc/ssl/certs/own.pem").read_text() == "certificate"
    assert (root / "etc/pip.conf").read_text() == "[global]\n"
    assert (root / "root/.config/uv/uv.toml").read_text() == "offline = false\n"
    assert not (root / "etc/hosts").exists()


def test_the_tree_is_copied_as_it_stands_and_the_environment_stays(tmp_path: Path) -> None:
    tree, target = tmp_path / "tree", tmp_path / "target"
    (tree / "sub").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    for name, text in {
        ".gitignore": "ignored\n",
        "ignored": "",
        "sub/new.py": "1",
        "gone": "",
    }.items():
        (tree / name).write_text(text)
    subprocess.run(["git", "add", "gone"], cwd=tree, check=True)
    (tree / "gone").unlink()
    (target / ".venv").mkdir(parents=True)
    (target / "old").mkdir()
    (target / "stale.py").write_text("")
    debian13.copy_tree(tree, target)
    assert sorted(path.name for path in target.iterdir()) == [".gitignore", ".venv", "sub"]
    assert (target / "sub/new.py").read_text() == "1"
