"""The command `gonemaster-client`: parse the arguments, run the command, turn errors into messages and exit codes.

Source: contract cli.md section 3. Modules that only some commands need are imported by these commands, because the
command must start quickly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gonemaster_client.cli import EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK, UsageError
from gonemaster_client.cli.parser import PROGRAM, build_parser
from gonemaster_client.errors import ApiError, ClientError, Forbidden, RateLimited, Unauthorized, Unavailable

if TYPE_CHECKING:
    import argparse

    from gonemaster_client.cli.session import Session

_SHOWN_DETAILS = 10


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    _replace_closed_streams()
    options = build_parser().parse_args(argv)
    try:
        return _run(options)
    except (UsageError, ClientError, ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):  # the reader has closed the output, as with `| head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_OK
        for line in explain(error):
            sys.stderr.write(f"{PROGRAM}: {line}\n")
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    from gonemaster_client.cli.session import open_session

    module, _, function = options.run.partition(".")
    command: Callable[[Session, Any], int | None]
    command = getattr(import_module(f"gonemaster_client.cli.commands.{module}"), function)
    with open_session(options) as session:
        return command(session, options) or EXIT_OK


def explain(error: Exception) -> Iterator[str]:
    """Yield the lines that explain an error: what is wrong, and what to do."""
    from gonemaster_client.cli.texts import printable

    text = printable(str(error)) or type(error).__name__
    if not isinstance(error, ApiError):
        yield text
        return
    facts = ", ".join(part for part in (error.code, f"HTTP status {error.status}") if part)
    yield f"{text} ({facts})"
    yield from map(printable, _details(error))
    if isinstance(error, Unauthorized):
        yield f"run '{PROGRAM} login', or set --token or GONEMASTER_TOKEN"
    elif isinstance(error, Forbidden) and (scope := error.details.get("scope")):
        yield f"the token needs the scope {scope}"
    elif isinstance(error, RateLimited | Unavailable) and error.retry_after_s is not None:
        yield f"try again in {error.retry_after_s:.0f} s"
    if error.status >= 500 and error.request_id:
        yield f"the log of the server has more about request {error.request_id}"


def _details(error: ApiError) -> Iterator[str]:
    """Yield what the server says about fields and names."""
    for key, value in error.details.items():
        if isinstance(value, list):
            for each in value[:_SHOWN_DETAILS]:
                yield f"{key}: {_flat(each)}"
            if len(value) > _SHOWN_DETAILS:
                yield f"{key}: and {len(value) - _SHOWN_DETAILS} more"
        elif key != "scope":
            yield f"{key}: {_flat(value)}"


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_flat(each)}" for key, each in value.items())
    return ", ".join(map(_flat, value)) if isinstance(value, list) else str(value)


def _replace_closed_streams() -> None:
    """Open a standard stream that the caller has closed, as with `>&-`: a file would get its number."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - until the process ends
