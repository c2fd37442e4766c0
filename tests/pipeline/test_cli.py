from __future__ import annotations

import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from pipeline import cli
from pipeline.exit_codes import ExitCode
from schemas.errors import DataError, TrainingRefusedError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], int]:
    """Runs a command `probe` whose body is given."""

    def run_body(body: Callable[[], object], *options: str) -> int:
        module = types.ModuleType("probe_command")
        module.command = click.Command("probe", callback=body)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "probe_command", module)
        monkeypatch.setattr(cli, "_is_installed", lambda name: name == "probe_command")
        monkeypatch.setitem(cli.COMMANDS, "probe", cli.CommandEntry("probe_command", "A probe."))
        return cli.main([*options, "probe"])

    return run_body


def raising(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


def test_a_command_that_ends_well_is_0(run: Callable[..., int]) -> None:
    assert run(lambda: None) == 0


def test_a_command_sets_its_exit_code(run: Callable[..., int]) -> None:
    assert run(lambda: click.get_current_context().exit(ExitCode.NOT_BLESSED)) == 3
    assert run(lambda: ExitCode.NOT_BLESSED) == 3


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DataError("a rule."), 2),
        (TrainingRefusedError("a rule."), 1),
        (click.UsageError("wrong"), 2),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(32, "Broken pipe"), 141),
        (ValueError("surprise"), 1),
        (OSError(28, "No space left on device"), 1),
    ],
)
def test_errors_become_exit_codes(
    run: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    error: BaseException,
    code: int,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(cli, "_silence_stdout", lambda: None)
    assert run(raising(error)) == code


def test_an_error_on_purpose_is_told_in_its_parts(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    error = DataError(
        "ids must not repeat.", where="students, row 3", received="'7'", remedy="keep one."
    )
    run(raising(error))
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "error:    ids must not repeat.\n"
        "where:    students, row 3\n"
        "received: '7'\n"
        "remedy:   keep one.\n"
    )


def test_long_parts_are_wrapped_and_indented() -> None:
    text = cli.describe_error(DataError("a word " * 40))
    assert len(text.splitlines()) > 2
    assert all(len(line) <= cli.MESSAGE_WIDTH for line in text.splitlines())
    assert all(line.startswith(" " * 10) for line in text.splitlines()[1:])


def test_an_unknown_fault_leaves_its_traceback_in_a_file(
    run: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run(raising(ValueError("surprise")))
    err = capsys.readouterr().err
    (log,) = tmp_path.iterdir()
    assert str(log) in " ".join(err.split())
    assert "Traceback" not in err
    assert "ValueError: surprise" in log.read_text()


def test_a_full_disk_is_said_without_a_traceback(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    run(raising(OSError(28, "No space left on device", "some/file")))
    assert capsys.readouterr().err == (
        "error:    the disk is full.\n"
        "where:    some/file\n"
        "received: No space left on device\n"
        "remedy:   free space on the disk that is written to, then give the command again.\n"
    )


def test_debug_shows_the_traceback(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raising(ValueError("surprise")), "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_misspelt_command_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["valdate"]) == 2
    assert "Did you mean validate?" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("goalpath ")


def test_only_commands_that_are_installed_are_offered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(cli.COMMANDS, "ghost", cli.CommandEntry("pipeline.commands.ghost", "Boo."))
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert "validate" in out
    assert "ghost" not in out
    assert cli.main(["ghost"]) == 2


@pytest.mark.parametrize("arguments", [["--help"], ["validate", "--help"], ["validate"]])
def test_help_and_validation_import_no_heavy_library(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "goalpath.yaml").write_text("name: t\nstages: [A, B]\ndefault_goal: B\n")
    if arguments == ["validate"]:
        arguments = ["validate", "--data", str(tmp_path)]
    code = (
        "import sys; from pipeline import cli; cli.main(sys.argv[1:]); "
        "print(sorted({'tensorflow', 'tfx', 'apache_beam', 'keras', 'pandas'} & "
        "set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert done.stdout


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from pipeline import cli; cli.main(['--help']); "
        "print([m for m in sys.modules if m.startswith('pipeline.commands.')], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_reader_that_leaves_early_is_no_error() -> None:
    code = (
        "import sys, click\nfrom pipeline import cli\n"
        "def body():\n"
        "    while True: click.echo('x' * 10_000)\n"
        "cli.cli.add_command(click.Command('probe', callback=body))\n"
        "cli.LazyGroup.list_commands = lambda self, ctx: ['probe']\n"
        "cli.LazyGroup.get_command = lambda self, ctx, name: self.commands[name]\n"
        "sys.exit(cli.main(['probe']))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 141
    assert err == b""
