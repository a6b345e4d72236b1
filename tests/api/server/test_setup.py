"""`gonemaster-server setup`: five questions, each also a flag, and files that work as they are."""

import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gonemaster_api.auth.tokens import digest_of
from gonemaster_api.server import setup
from gonemaster_api.server.cli import main
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.settings import Settings

DSN = "postgresql://gonemaster:swordfish@db.example/gonemaster"
Answering = Callable[..., None]


@pytest.fixture(autouse=True)
def doctor(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that the doctor was called with; its own tests check what it finds."""
    found: list[Settings] = []
    monkeypatch.setattr(setup, "run_doctor", lambda settings, *_, **__: found.append(settings))
    return found


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Answer the questions of a terminal."""

    def answer(*answers: str) -> None:
        left = list(answers)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True)
        monkeypatch.setattr("builtins.input", lambda _prompt: left.pop(0))

    return answer


def read(folder: Path) -> Settings:
    return load_settings(environ={}, file=folder / setup.CONFIG_NAME)


def test_questions_become_settings(
    tmp_path: Path, answering: Answering, doctor: list[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    answering("[::1]:9000", DSN, "maybe", "true", "smtp://mail.example:25", "dns@mail.example", "operator")
    assert main(["setup", "--output", str(tmp_path)]) == 0
    settings = read(tmp_path)
    assert (settings.listen_addr, settings.db_driver, settings.db_dsn) == ("[::1]:9000", "postgres", DSN)
    assert (settings.auth_protect_public, settings.smtp_from) == (True, "dns@mail.example")
    assert doctor == [settings]
    printed = capsys.readouterr().out
    (token,) = re.findall(r"gm_\S+", printed)
    assert [(each.label, each.hash) for each in settings.admin_tokens] == [("operator", digest_of(token))]
    assert "but must be true or false" in printed, "an invalid answer is asked again"
    assert "swordfish" not in printed


def test_flags_answer_all_questions(tmp_path: Path, answering: Answering) -> None:
    answering()
    flags = (
        "--listen",
        "127.0.0.1:9000",
        "--db-dsn",
        DSN,
        "--auth-protect-public",
        "--smtp-url",
        "smtp://m.example:25",
    )
    assert main(["setup", "--output", str(tmp_path), *flags, "--smtp-from", "a@b.example", "--label", "x"]) == 0
    settings = read(tmp_path)
    assert (settings.listen_addr, settings.db_driver, settings.smtp_from) == (
        "127.0.0.1:9000",
        "postgres",
        "a@b.example",
    )


def test_without_answers_one_unit_runs_everything(tmp_path: Path) -> None:
    assert main(["setup", "--no-input", "--output", str(tmp_path)]) == 0
    units = {"gonemaster.service", "gonemaster.socket", "gonemaster.sysusers"}
    assert {file.name for file in tmp_path.iterdir()} == {setup.CONFIG_NAME, *units}
    assert read(tmp_path).embedded_broker
    unit = (tmp_path / "gonemaster.service").read_text()
    assert re.search(r"^ExecStart=/\S+/gonemaster-server$", unit, re.MULTILINE)
    assert "LoadCredential=gonemaster.yaml:/etc/gonemaster/gonemaster.yaml" in unit
    assert "gonemaster.target" not in unit


def test_postgresql_gets_a_unit_for_each_part(tmp_path: Path) -> None:
    assert main(["setup", "--no-input", "--db-dsn", DSN, "--output", str(tmp_path)]) == 0
    units = {file.stem for file in tmp_path.glob("*.service")}
    assert units == {"gonemaster-api", "gonemaster-beat", "gonemaster-migrate", "gonemaster-worker@"}
    assert (tmp_path / "gonemaster.target").exists()
    assert "ListenStream=127.0.0.1:8080" in (tmp_path / "gonemaster-api.socket").read_text()
    assert read(tmp_path).broker_url == "redis://127.0.0.1:6379/0"


def test_files_explain_the_settings_and_are_private(tmp_path: Path) -> None:
    assert main(["setup", "--no-input", "--output", str(tmp_path)]) == 0
    file = tmp_path / setup.CONFIG_NAME
    assert "# address on which the API listens: host:port" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--listen", "0.0.0.0:80"), "an admin token is needed: add --label NAME"),
        (("--label", "a=b"), "--label must be"),
        (("--output", "/proc/gonemaster"), "/proc/gonemaster cannot be written: "),
    ],
)
def test_refusals(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], text: str) -> None:
    assert main(["setup", "--no-input", "--output", str(tmp_path), *arguments]) == 2
    assert text in capsys.readouterr().err


def test_existing_files_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / setup.CONFIG_NAME).write_text("mine")
    assert main(["setup", "--no-input", "--output", str(tmp_path)]) == 2
    assert f"{setup.CONFIG_NAME} exists: choose another folder with --output" in capsys.readouterr().err
    assert (tmp_path / setup.CONFIG_NAME).read_text() == "mine"
