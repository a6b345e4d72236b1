"""The parser of the command line, built from the catalogue of commands."""

import argparse
import copy
from collections.abc import Iterator, Sequence

from gonemaster_client.cli.arguments import FORMATS, Argument, Command, arg, duration, flag, header, number
from gonemaster_client.cli.catalogue import COMMANDS
from gonemaster_client.server import DEFAULT_SERVER
from gonemaster_client.version import __version__

PROGRAM = "gonemaster-client"
_EPILOG = """\
Global options can also follow the command. Exit codes: 0 done, or no difference; 1 a difference, or a test that did
not succeed; 2 an error; 130 interrupted. Manual: docs/howto/client.md
"""

GLOBAL = (
    arg("--server", metavar="URL", help=f"URL of the API (default GONEMASTER_URL, or {DEFAULT_SERVER})"),
    arg("--timeout", type=duration, default=30.0, metavar="DURATION", help="time limit of each request (default 30s)"),
    arg("--retries", type=number, default=3, metavar="N", help="how often a failed request is repeated (default 3)"),
    arg("--format", choices=FORMATS, default="pretty", help="output format (default pretty); csv only for entries"),
    arg("--output", metavar="FILE", help="write the output to a file (default standard output)"),
    arg("--locale", default="en", metavar="LOCALE", help="language of messages (default en)"),
    flag("--no-color", "use no colours"),
    arg("--header", type=header, action="append", default=[], metavar="NAME:VALUE", help="send a header; repeatable"),
    arg("--token", metavar="TOKEN", help="token (default GONEMASTER_TOKEN, or the token stored by login)"),
)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; `options.run` names the function of the command."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Use a gonemaster service: submit tests, follow them, read results.",
        epilog=_EPILOG,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    _add(parser, GLOBAL)
    repeated = list(_without_default(GLOBAL))
    groups = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (text, commands) in COMMANDS.items():
        group = groups.add_parser(name, help=text, description=_sentence(text), allow_abbrev=False)
        if "" in commands:
            _fill(group, commands[""], repeated)
            continue
        children = group.add_subparsers(metavar="COMMAND", required=True)
        for child, command in commands.items():
            _fill(
                children.add_parser(child, help=command.help, description=_sentence(command.help), allow_abbrev=False),
                command,
                repeated,
            )
    return parser


def _fill(parser: argparse.ArgumentParser, command: Command, repeated: list[Argument]) -> None:
    _add(parser, command.arguments)
    taken = {name for each in command.arguments for name in each.names}
    _add(parser, [each for each in repeated if each.names[0] not in taken])
    parser.set_defaults(run=command.run)


def _add(parser: argparse.ArgumentParser, arguments: Sequence[Argument]) -> None:
    for each in arguments:
        parser.add_argument(*each.names, **each.options)


def _without_default(arguments: tuple[Argument, ...]) -> Iterator[Argument]:
    """Yield global options as a command takes them: hidden in its help, and without overwriting given values."""
    for each in arguments:
        options = copy.copy(each.options) | {"default": argparse.SUPPRESS, "help": argparse.SUPPRESS}
        yield Argument(each.names, options)


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
