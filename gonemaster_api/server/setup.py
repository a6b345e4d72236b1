"""The command `gonemaster-server setup`: five questions, then a configuration with comments and the units of systemd.

Each answer is also a flag: the flag of its setting, or --label. The files go to one folder, so that the command needs
no permissions; it prints the commands that install them.
"""

import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gonemaster_api.auth.tokens import digest_of, new_token
from gonemaster_api.server.commands import StartRefused
from gonemaster_api.server.doctor.run import run_doctor
from gonemaster_api.server.supervisor.listening import is_loopback, split_address
from gonemaster_tasks.config.credential_types import LABEL_RULE, AdminToken, is_label
from gonemaster_tasks.config.loader import load_settings, parse_value
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.rendering import as_text
from gonemaster_tasks.config.settings import BY_KEY, OPTIONS, Settings

CONFIG_NAME = "gonemaster.yaml"
_UNITS = Path(__file__).with_name("units")
_SEPARATE = ("gonemaster-api", "gonemaster-beat", "gonemaster-migrate", "gonemaster-worker@")
_STARTED = ("gonemaster-api", "gonemaster-beat", "gonemaster-worker@1")
_LOCAL_REDIS = "redis://127.0.0.1:6379/0"


@dataclass(frozen=True)
class Question:
    """A question, and the setting that its answer becomes."""

    key: str
    text: str


QUESTIONS = (
    Question("listen_addr", "On which address and port should the pages listen?"),
    Question("database.dsn", "PostgreSQL URL? Leave empty for the embedded database and queue."),
    Question("auth.protect_public", "Require a token for the public test page, too (true or false)?"),
    Question("smtp_url", "Mail server for notifications, such as smtp://mail.example:25? Leave empty for none."),
)
_SENDER = Question("smtp_from", "Sender address of these mails?")
_LABEL = "Label of the first admin token, such as operator? Leave empty for none."


def run_setup(settings: Settings, given: Namespace) -> int:
    """Ask, write the files, check the settings, and return the exit status.

    Raises:
        StartRefused: an answer is invalid, or a file exists.
    """
    folder: Path = given.output
    asks = sys.stdin.isatty() and not given.no_input
    values = {option.key: getattr(settings, option.name) for option in OPTIONS if _is_given(settings, option)}
    for question in QUESTIONS:
        _answer(question, values, asks=asks)
    if values.get("smtp_url"):
        _answer(_SENDER, values, asks=asks)
    if as_text(values.get("database.dsn", "")).startswith(("postgres", "host=")):
        values |= {"database.driver": "postgres", "broker_url": values.get("broker_url") or _LOCAL_REDIS}
    label = given.label if given.label or not asks else input(f"{_LABEL} ").strip()
    secret = _add_token(values, label)
    address = values.get("listen_addr", BY_KEY["listen_addr"].default)
    units = _unit_files(address, is_embedded=not values.get("broker_url"))
    files = {CONFIG_NAME: "".join(_configuration(values))} | units
    _write(folder, files)
    checked = _loaded(folder / CONFIG_NAME)
    print(f"Files in {folder}: {', '.join(sorted(files))}")
    if secret:
        print(f"The admin token is shown this once: {secret}")
    print("Check of the settings (parts that are not started yet do not answer):")
    run_doctor(checked, (), as_document=False)
    print("\n".join(_next_steps(folder, is_embedded=checked.embedded_broker)))
    return 0


def _is_given(settings: Settings, option: Option) -> bool:
    return settings.source(option.key) != "default" and option.key != "data_dir"


def _answer(question: Question, values: dict[str, Any], *, asks: bool) -> None:
    """Ask until the answer is valid; an empty answer keeps the default."""
    option = BY_KEY[question.key]
    while asks and question.key not in values:
        default = as_text(option.default)
        raw = input(f"{question.text} [{default}] " if default else f"{question.text} ").strip()
        problems: list[str] = []
        value = parse_value(option, raw, "database", problems) if raw else option.default
        if not problems:
            values[question.key] = value
        print("".join(f"{problem}\n" for problem in problems), end="")


def _add_token(values: dict[str, Any], label: str) -> str:
    """Add the hash of a new token to the configuration and return the token, if there is a label.

    The hash is in the file and not in the database, because the database may belong to another user.
    """
    host = split_address(values.get("listen_addr", BY_KEY["listen_addr"].default))[0]
    if not label:
        if not values.get("auth.admin_tokens") and not values.get("insecure_open") and not _is_local(host):
            raise StartRefused(f"other machines reach {host}, so that an admin token is needed: add --label NAME")
        return ""
    if not is_label(label):
        raise StartRefused(f"--label must be {LABEL_RULE}")
    secret = new_token()
    values["auth.admin_tokens"] = (*values.get("auth.admin_tokens", ()), AdminToken(label, digest_of(secret)))
    return secret


def _is_local(host: str) -> bool:
    try:
        return is_loopback((host,))
    except ValueError:
        return host == "localhost"


def _configuration(values: dict[str, Any]) -> Iterator[str]:
    yield "# Settings of gonemaster, written by gonemaster-server setup.\n"
    yield "# 'gonemaster-server settings' lists all settings; 'gonemaster-server settings NAME' explains one.\n"
    defaults = {question.key: BY_KEY[question.key].default for question in QUESTIONS}
    for key, value in (defaults | values).items():
        option, mark = BY_KEY[key], "" if key in values else "# "
        yield f"\n# {option.description}: {option.type.allowed}\n{mark}{key}: {json.dumps(_plain(value))}\n"


def _plain(value: Any) -> Any:
    if isinstance(value, AdminToken):
        return {"label": value.label, "hash": value.hash, "scopes": list(value.scopes)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int) else as_text(value)


def _unit_files(address: str, *, is_embedded: bool) -> dict[str, str]:
    """Return the units: one for the whole service with embedded parts, otherwise one for each part."""
    server = Path(sys.executable).with_name("gonemaster-server")
    texts = {name: (_UNITS / f"{name}.service").read_text() for name in _SEPARATE}
    opened = (_UNITS / "gonemaster-api.socket").read_text().replace("127.0.0.1:8080", address)
    opened = opened.replace("listen_addr in gonemaster.json", f"listen_addr in {CONFIG_NAME}")
    if is_embedded:
        text = texts["gonemaster-api"].replace("gonemaster-server api", "gonemaster-server")
        text = text.replace("gonemaster-api.socket", "gonemaster.socket")
        text = text.replace("gonemaster API", "gonemaster, the whole service").replace("PartOf=gonemaster.target\n", "")
        text = text.replace("TimeoutStopSec=40", "TimeoutStopSec=120")  # running tests may finish
        units = {
            "gonemaster.service": text.replace("WantedBy=gonemaster.target", "WantedBy=multi-user.target"),
            "gonemaster.socket": opened.replace("PartOf=gonemaster.target\n", ""),
        }
    else:
        units = {f"{name}.service": text for name, text in texts.items()} | {"gonemaster-api.socket": opened}
        units["gonemaster.target"] = (_UNITS / "gonemaster.target").read_text()
    units = {
        name: text.replace("/opt/gonemaster/bin/gonemaster-server", str(server)).replace("gonemaster.json", CONFIG_NAME)
        for name, text in units.items()
    }
    return units | {"gonemaster.sysusers": (_UNITS / "gonemaster.sysusers").read_text()}


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, text in files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
    except FileExistsError as error:
        raise StartRefused(f"{error.filename} exists: choose another folder with --output, or remove it") from error
    except OSError as error:
        raise StartRefused(f"{folder} cannot be written: {error.strerror}; choose another with --output") from error


def _loaded(path: Path) -> Settings:
    return load_settings(environ={}, file=path)


def _next_steps(folder: Path, *, is_embedded: bool) -> Iterator[str]:
    yield "To install the units, run as root:"
    yield f"  install -D -m 0644 {folder}/gonemaster.sysusers /usr/lib/sysusers.d/gonemaster.conf && systemd-sysusers"
    yield f"  install -D -m 0600 {folder}/{CONFIG_NAME} /etc/gonemaster/{CONFIG_NAME}"
    suffixes = "{service,socket}" if is_embedded else "{service,socket,target}"
    yield f"  install -m 0644 {folder}/*.{suffixes} /etc/systemd/system/ && systemctl daemon-reload"
    if is_embedded:
        yield "  systemctl enable --now gonemaster.socket gonemaster"
        yield f"Or start the service without systemd: gonemaster-server --config {folder}/{CONFIG_NAME}"
    else:
        yield "  systemctl start gonemaster-migrate"
        parts = " ".join(("gonemaster.target", "gonemaster-api.socket", *_STARTED))
        yield f"  systemctl enable --now {parts}"
