"""The command line of `gonemaster-server`: its commands, their options, and the flags of settings."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gonemaster_db.core.levels import SEVERITIES
from gonemaster_engine.cli.parsing import Parser
from gonemaster_engine.version import __version__, engine_kind
from gonemaster_tasks.config.credential_types import LABEL_RULE, Scope
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.settings import OPTIONS

PROGRAM = "gonemaster-server"
_ALIASES = {"worker_queues": ("--queues",)}
_SETTINGS_NOTE = (
    "Every setting is also an option: 'gonemaster-server settings' lists them, 'settings NAME' explains one."
)
_LINES = {
    "all": "run the whole service in one process tree (default)",
    "api": "run the HTTP API",
    "worker": "run worker processes",
    "beat": "run the scheduler of periodic tasks",
    "notify": "receive NOTIFY messages about CDS records (RFC 9859); requires notify_listen",
    "dsync": "check whether DSYNC records for a domain are published, and send their endpoints a NOTIFY message",
    "flower": "run Flower, a monitor of workers and tasks; requires the extra [flower]",
    "setup": "ask five questions, write the configuration and the systemd units, and check them",
    "demo": "run the whole service with its own name servers and sample results, without Internet access",
    "doctor": "check settings, database, broker, clocks, workers and DNS, with advice for each fault",
    "settings": "list the settings, or explain one",
    "db": "migrate or check the database",
    "import": "import the data of another service",
    "export": "write the facts of stored runs to files: Parquet, JSON lines or CSV",
    "backup": "copy the SQLite database to a new file while the service is running",
    "auth": "manage admin tokens",
    "reference-data": "update or check the data of IANA",
    "completion": "print the completion script of a shell",
}
_GROUP_LINES: dict[tuple[str, ...], str] = {
    ("db", "plan"): "print what db upgrade would do, and whether the service can keep running meanwhile",
    ("db", "upgrade"): "migrate the database to the current version",
    ("db", "downgrade"): "migrate the database back, for an older release",
    ("db", "current"): "print the version of the database",
    ("db", "size"): "print the size of the database and of its largest tables, and the growth per day",
    ("db", "check"): "exit with 0 if this release is compatible with the database, otherwise with 1",
    ("import", "zonemaster"): "import the tests, results and batches of Zonemaster-Backend",
    ("auth", "add-token"): "create an admin token and print it once",
    ("auth", "list"): "list the admin tokens",
    ("auth", "revoke"): "revoke an admin token and end its sessions",
    ("auth", "clear"): "remove all admin tokens from the database",
    ("reference-data", "update"): "fetch the list of top-level domains from IANA",
    ("reference-data", "check"): "compare root hints, trust anchors and registries with their sources",
}
SHELLS = ("bash", "zsh", "tcsh")


def command_lines() -> dict[tuple[str, ...], str]:
    """Return the sentence of each command and of each command of a group."""
    lines: dict[tuple[str, ...], str] = {(name,): line for name, line in _LINES.items()}
    lines.update(_GROUP_LINES)
    return lines


def build_parser(*, shows_settings: bool = False) -> Parser:
    """Return the parser. Flags of settings are allowed everywhere; help shows them only with `shows_settings`."""
    common = _common_options(shows_settings=shows_settings)
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [COMMAND] [OPTION ...] [--SETTING VALUE ...]",
        description="Test the DNS health of domains: API, queue and workers.",
        epilog=f"'{PROGRAM} COMMAND --help' describes a command. {_SETTINGS_NOTE}",
        parents=[common],
        allow_abbrev=False,
    )
    versions = f"{PROGRAM} {__version__}\nPython {sys.version.split()[0]}, {engine_kind()} engine"
    parser.add_argument("--version", action="version", version=versions)
    commands = _subparsers(parser, PROGRAM)
    for name, line in _LINES.items():
        found = _add_command(commands, (name,), line, common)
        members = {path: text for path, text in _GROUP_LINES.items() if path[0] == name}
        if members:
            group = _subparsers(found, f"{PROGRAM} {name}", is_needed=True)
            for path, text in members.items():
                _add_options(_add_command(group, path, text, common), path)
        else:
            _add_options(found, (name,))
    return parser


def _common_options(*, shows_settings: bool) -> Parser:
    """Return the options of all commands. A flag that is absent sets nothing, so that it may stand anywhere."""
    parser = Parser(add_help=False, allow_abbrev=False, argument_default=argparse.SUPPRESS)
    parser.add_argument("--config", type=Path, metavar="FILE", help="file with settings, in JSON or YAML")
    parser.add_argument("--dump-config", action="store_true", help="print all settings and their sources, then exit")
    group = parser.add_argument_group("settings")
    for option in OPTIONS:
        _add_flag(group, option, is_shown=shows_settings)
    return parser


def _subparsers(parser: Parser, prog: str, *, is_needed: bool = False) -> Any:
    return parser.add_subparsers(title="commands", prog=prog, metavar="COMMAND", required=is_needed)


def _add_command(group: Any, path: tuple[str, ...], line: str, common: Parser) -> Parser:
    parser: Parser = group.add_parser(
        path[-1],
        help=line,
        description=f"{line[0].upper()}{line[1:]}.",
        epilog=_SETTINGS_NOTE,
        parents=[common],
        allow_abbrev=False,
    )
    parser.set_defaults(command=path, parser=parser)
    return parser


def _add_options(parser: Parser, path: tuple[str, ...]) -> None:
    """Add the options of a command."""
    if path in _ADD_OPTIONS:
        _ADD_OPTIONS[path](parser)
    elif path in _ARGUMENTS:
        name, text = _ARGUMENTS[path]
        parser.add_argument("argument", metavar=name, help=text)


def _add_api_options(parser: Parser) -> None:
    parser.add_argument("--listen-descriptor", type=int, action="append", help=argparse.SUPPRESS)


def _add_setup_options(parser: Parser) -> None:
    parser.add_argument("--label", metavar="TEXT", default="", help="label of the first admin token")
    parser.add_argument("--no-input", action="store_true", help="ask nothing: use the flags and the defaults")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        default=Path("gonemaster-setup"),
        help="folder for the files; default: %(default)s",
    )


def _add_doctor_options(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def _add_settings_options(parser: Parser) -> None:
    parser.add_argument(
        "argument", nargs="?", metavar="NAME", help="key, variable, or flag without dashes; a part is enough"
    )


def _add_check_options(parser: Parser) -> None:
    parser.add_argument(
        "--from",
        dest="folder",
        type=Path,
        metavar="DIR",
        help="folder with copies of the sources, for machines without access to them",
    )


def _add_completion_options(parser: Parser) -> None:
    parser.add_argument("argument", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}")
    parser.add_argument(
        "--program",
        choices=("gonemaster", "gonemaster-nagios", PROGRAM),
        default=PROGRAM,
        help="program to complete (%(default)s)",
    )


def _add_export_options(parser: Parser) -> None:
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="new or empty folder for the files")
    parser.add_argument("--format", choices=("parquet", "jsonl", "csv"), default="parquet", help="default: %(default)s")
    parser.add_argument("--batch", metavar="ID", help="only the runs of this batch")
    parser.add_argument("--cohort", metavar="TAG", help="only the runs of domains with this tag")
    parser.add_argument("--since", metavar="TIME", help="only runs that finished then or later: 2027-01-31T12:00:00Z")
    parser.add_argument(
        "--findings-level",
        choices=("DEBUG", "INFO", *SEVERITIES),
        default="NOTICE",
        help="lowest level of the findings; default: %(default)s",
    )


def _add_token_options(parser: Parser) -> None:
    parser.add_argument(
        "--label", metavar="TEXT", default="", help=f"label of the token in lists and in the audit log; {LABEL_RULE}"
    )
    parser.add_argument(
        "--scope", action="append", choices=list(Scope), default=[], help="scope of the token; default: admin"
    )
    parser.add_argument(
        "--expires-at",
        metavar="TIME",
        default="",
        help="when the token expires, such as 2027-01-31T12:00:00Z; default: never",
    )
    parser.add_argument(
        "--only-print", action="store_true", help="only print the hash for auth.admin_tokens; store nothing"
    )


_ADD_OPTIONS: dict[tuple[str, ...], Callable[[Parser], None]] = {
    ("api",): _add_api_options,
    ("setup",): _add_setup_options,
    ("doctor",): _add_doctor_options,
    ("settings",): _add_settings_options,
    ("export",): _add_export_options,
    ("auth", "add-token"): _add_token_options,
    ("reference-data", "check"): _add_check_options,
    ("completion",): _add_completion_options,
}
_ARGUMENTS = {
    ("db", "downgrade"): ("N", "version of the database"),
    ("import", "zonemaster"): (
        "SOURCE",
        "SQLite file, dump of MySQL or MariaDB (also gzipped), or postgresql://USER:PASSWORD@HOST/NAME",
    ),
    ("backup",): ("FILE", "file to create"),
    ("dsync",): ("DOMAIN", "domain whose parent zone publishes the records"),
    ("auth", "revoke"): ("ID_OR_LABEL", "id or label of the token"),
}
"""The commands with one argument: its name and its help."""


def _add_flag(group: Any, option: Option, *, is_shown: bool) -> None:
    names = [option.flag, *_ALIASES.get(option.name, ())]
    about = option.description.replace("%", "%%") if is_shown else argparse.SUPPRESS
    if option.is_switch:
        group.add_argument(*names, dest=option.name, action=argparse.BooleanOptionalAction, help=about)
    elif isinstance(option.default, tuple):
        group.add_argument(*names, dest=option.name, action="append", metavar="LIST", help=about)
    else:
        group.add_argument(*names, dest=option.name, metavar="VALUE", help=about)


def flags_of(given: argparse.Namespace) -> dict[str, Any]:
    """Return the settings given as flags. A list may be given in several flags."""
    found = {option.name: getattr(given, option.name) for option in OPTIONS if hasattr(given, option.name)}
    return {name: ",".join(value) if isinstance(value, list) else value for name, value in found.items()}
