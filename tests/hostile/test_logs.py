"""Data from strangers cannot forge, hide or flood log lines, and no failure writes a secret to the log."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from gonemaster_api.server.cli import main
from gonemaster_tasks.logs import configure_logging
from tests.support.forked import Forked

FORGED = "timestamp=2026-01-01 level=info event=forged"
HOSTILE = {
    "lines": f"a\r\n{FORGED}",
    "separators": f"a\u2028{FORGED}\u2029{FORGED}\x85{FORGED}\x0b{FORGED}\x0c{FORGED}",
    "terminal": "\x1b[2J\x1b]0;owned\x07\x9b31m\x7f\b\b\b",
    "bidi": "\u202eevil\u2066\u2069\u200f\u061c\u200b\ufeff",
    "surrogates": "\ud800\udfff",
    "nul": "a\0b",
    "quotes": f"a' {FORGED} b\" \\' {FORGED}",
    "long": "x" * 1_000_000,
    "long lines": "\n" * 1_000_000,
}
LONGEST_VALUE = 5 * 8_300  # each character of a value can become an escape sequence


class Odd:
    """An object whose representation is hostile."""

    def __repr__(self) -> str:
        return HOSTILE["lines"] + HOSTILE["terminal"] + HOSTILE["long"]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Restore the loggers of the test process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def written(form: str, message: str, *args: Any, **extra: Any) -> str:
    stream = io.StringIO()
    configure_logging(form=form, stream=stream)
    try:
        raise ValueError(message)
    except ValueError:
        logging.getLogger("some").exception(message, *args, extra=extra)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_record_is_one_printable_line_of_limited_length(form: str, kind: str) -> None:
    text = HOSTILE[kind]
    values = {"value": text, "many": [text] * 3, "deep": {text: (text,)}, "odd": Odd(), "error": ValueError(text)}
    line = written(form, text.replace("%", ""), **values)
    assert line.endswith("\n")
    assert line[:-1].isprintable(), "no control character, no mark that changes the display, no second line"
    assert len(line) < 12 * LONGEST_VALUE
    if form == "json":
        assert json.loads(line)["level"] == "error"


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("number", [1_000, 10_000, 100_000])
def test_lists_and_mappings_have_a_limited_number_of_values(form: str, number: int) -> None:
    line = written(form, "many", values=["x" * 20] * number, mapping={str(each): each for each in range(number)})
    assert len(line) < 20_000


SECRET = "Kn0ckStart-Zq7"
DSNS = [f"u:{SECRET}@h/db", f"host=h password='{SECRET}", f"host=h passwrd={SECRET}", f"postgresql://u:{SECRET}@h:x/db"]
COMMANDS = {"api": [], "doctor": ["doctor"]}  # of gonemaster-server
PROGRAMS = {"worker": ["gonemaster_tasks.worker", "--name", "w"], "beat": ["gonemaster_tasks.maintenance.beat"]}


def variables(folder: Path, environ: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GONEMASTER")}
    return inherited | {"GONEMASTER_DATA_DIR": str(folder), "GONEMASTER_LOG_LEVEL": "debug"} | environ


@pytest.mark.parametrize(
    ("program", "variable", "value"),
    [
        *(pytest.param("worker", "DB_DSN", dsn, id=f"worker-{number}") for number, dsn in enumerate(DSNS)),
        pytest.param("api", "DB_DSN", DSNS[1], id="api"),
        pytest.param("doctor", "DB_DSN", DSNS[0], id="doctor"),
        pytest.param("beat", "BROKER_URL", f":{SECRET}@h", id="beat"),
        pytest.param("doctor", "BROKER_URL", f":{SECRET}@h", id="broker-without-scheme"),
        pytest.param("doctor", "BROKER_URL", f"redis://:{SECRET}@h:x/0", id="broker-without-port"),
        pytest.param("doctor", "SMTP_URL", f"smtp://u:{SECRET}@relay.example", id="mail-without-tls"),
    ],
)
def test_no_program_writes_the_password_of_an_invalid_url(
    program: str,
    variable: str,
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    given = {"GONEMASTER_DB_DRIVER": "postgres", "GONEMASTER_BROKER_URL": "redis://127.0.0.1:1"}
    environ = variables(tmp_path, given | {f"GONEMASTER_{variable}": value})
    if program in COMMANDS:  # refused before anything is started
        monkeypatch.setattr(os, "environ", environ)
        assert main(COMMANDS[program])
        output = "".join(capfd.readouterr())
    else:
        module, *arguments = PROGRAMS[program]
        log = tmp_path / "log"
        assert Forked(module, arguments, environ=environ, log=log).wait(120)
        output = log.read_text()
    assert output
    assert SECRET not in output


UNCAUGHT = """
import threading
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.logging import log_as_set
log_as_set(load_settings({}))
def fail():
    raise ValueError("cannot connect to 'SECRET'\\r\\n\\x1b[2J")
class Part:
    def __del__(self):
        fail()
thread = threading.Thread(target=fail, name="part")
thread.start()
thread.join()
part = Part()
del part
fail()
""".replace("SECRET", SECRET)


def test_errors_that_nothing_catches_are_log_lines_without_secrets(tmp_path: Path) -> None:
    environ = {"GONEMASTER_BROKER_URL": f"redis://:{SECRET}@127.0.0.1:1"}
    done = subprocess.run(
        [sys.executable, "-c", UNCAUGHT],
        env=variables(tmp_path, environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert all(line.isprintable() and "cannot connect to" in line for line in lines)
    assert SECRET not in "".join(lines)
