"""The help of `gonemaster-server` and of its commands, the descriptions of settings, and the completion scripts."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gonemaster_api.server.cli import main
from gonemaster_api.server.parser import SHELLS, command_lines
from gonemaster_tasks.config.settings import OPTIONS

ROOT = Path(__file__).parents[3]
Printed = Callable[..., str]
_KEPT_SHORT = 60  # lines; 200 settings would need hundreds


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Printed:
    """Return the standard output of a command that succeeds."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(*arguments: str) -> str:
        try:
            status = main(arguments)
        except SystemExit as end:  # of --help
            status = int(end.code or 0)
        assert status == 0
        return capsys.readouterr().out

    return run


def test_help_lists_each_command_with_a_line(printed: Printed) -> None:
    text = printed("--help")
    lines = {path[0]: line for path, line in command_lines().items() if len(path) == 1}
    for name, line in lines.items():
        assert re.search(rf"^ +{name} +{re.escape(line)}$", text, re.MULTILINE), name
    assert len(text.splitlines()) < _KEPT_SHORT
    assert "--worker-processes" not in text


@pytest.mark.parametrize("path", command_lines(), ids=" ".join)
def test_each_command_has_its_own_help(printed: Printed, path: tuple[str, ...]) -> None:
    text = printed(*path, "--help")
    assert text.startswith(f"usage: gonemaster-server {' '.join(path)} ")
    assert command_lines()[path][1:20] in text
    assert ("--only-print" in text) == (path == ("auth", "add-token"))
    assert ("--json" in text) == (path == ("doctor",))
    assert len(text.splitlines()) < _KEPT_SHORT


def test_the_reference_lists_all_commands() -> None:
    page = (ROOT / "docs/reference/cli-server.md").read_text()
    for path, line in command_lines().items():
        assert re.search(rf"^\| `{' '.join(path)}[` ].*\| {re.escape(line)} \|$", page, re.MULTILINE), path


def test_flags_of_settings_stand_before_and_after_the_command(printed: Printed) -> None:
    for words in (("--listen", "[::1]:0", "worker"), ("worker", "--listen", "[::1]:0")):
        shown = json.loads(printed(*words, "--dump-config"))
        assert shown["listen_addr"] == {"value": "[::1]:0", "source": "cli_flag"}


def test_list_of_settings_has_each_flag(printed: Printed) -> None:
    text = printed("settings")
    assert [option.flag for option in OPTIONS if f"  {option.flag} " not in text] == []


@pytest.mark.parametrize(
    "name", ["database.driver", "GONEMASTER_DB_DRIVER", "db-driver", "db_driver", "Database.Driver"]
)
def test_a_setting_is_explained_by_any_of_its_names(printed: Printed, name: str) -> None:
    text = printed("settings", name, "--db-driver", "sqlite")
    assert text.startswith("database.driver\n")
    assert "  flag:     --db-driver\n  variable: GONEMASTER_DB_DRIVER\n" in text
    assert "(source: cli flag)" in text


def test_secrets_of_settings_are_masked(printed: Printed) -> None:
    text = printed("settings", "db_dsn", "--db-driver", "postgres", "--db-dsn", "postgresql://me:swordfish@h/d")
    assert "postgresql://me:***@h/d" in text
    assert "swordfish" not in text


def test_part_of_a_name_shows_all_settings_that_contain_it(printed: Printed) -> None:
    assert {"worker_count", "worker_processes"} <= set(printed("settings", "Worker").splitlines())


def test_an_unknown_setting_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["settings", "worker-proceses"]) == 2
    assert "there is no setting 'worker-proceses'; is worker-processes meant?" in capsys.readouterr().err


def test_an_unknown_variable_names_the_nearest(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONEMASTER_WORKER_PROCESES", "3")
    assert main(["--dump-config"]) == 0
    text = "GONEMASTER_WORKER_PROCESES is not a setting and is ignored; is GONEMASTER_WORKER_PROCESSES meant?"
    assert text in capsys.readouterr().err


@pytest.mark.parametrize("program", ["gonemaster", "gonemaster-nagios", "gonemaster-server"])
@pytest.mark.parametrize("shell", SHELLS)
def test_completion_script(printed: Printed, tmp_path: Path, shell: str, program: str) -> None:
    script = tmp_path / "script"
    script.write_text(printed("completion", shell, "--program", program))
    assert program in script.read_text()
    interpreter = shutil.which(shell)
    if interpreter and shell != "tcsh":
        subprocess.run([interpreter, "-n", str(script)], check=True)


def test_bash_completes_commands_and_flags(printed: Printed, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(printed("completion", "bash"))
    for words, wanted in (
        (["wor"], "worker"),
        (["db", "up"], "upgrade"),
        (["worker", "--worker-pro"], "--worker-processes"),
    ):
        line = " ".join(["gonemaster-server", *words])
        asked = (
            f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words)}; COMP_LINE='{line}';"
            f"COMP_POINT={len(line)};"
            "$(complete -p gonemaster-server | sed 's/.*-F \\([^ ]*\\) .*/\\1/'); echo \"${COMPREPLY[@]}\""
        )
        done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
        assert wanted in done.stdout.split(), done.stderr
