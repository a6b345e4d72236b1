"""A parser of command lines that names the nearest known option or command, and the files in its errors."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from gonemaster_engine.errors import DocumentError, EngineError
from gonemaster_engine.spelling import meant


class UsageError(Exception):
    """The options are invalid; the text says why, and `program` is the command whose help explains them."""

    program = ""


class Parser(argparse.ArgumentParser):
    """A parser that raises an exception instead of exiting."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError with the message."""
        error = UsageError(message)
        error.program = self.prog
        raise error

    def parse_args(  # type: ignore[override]  # returns the namespace that it receives, as the original does
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> argparse.Namespace:
        """Parse the arguments. A command of this parser may set `parser`, whose options are suggested."""
        words = sys.argv[1:] if args is None else list(args)
        self._refuse_unknown([word for word in words if word.startswith("--")], self.all_flags())
        given: argparse.Namespace
        given, unknown = self.parse_known_args(words, namespace)
        command = getattr(given, "parser", self)
        command._refuse_unknown([word for word in unknown if word.startswith("-")], command.flags())  # noqa: SLF001
        if unknown:
            command.error(f"unknown argument {' '.join(unknown)}")
        return given

    def _refuse_unknown(self, words: Sequence[str], known: Collection[str]) -> None:
        for word in words:
            name = word.partition("=")[0]
            if name != "--" and name not in known:
                self.error(f"unknown option {name}{meant(name, known)}")

    def all_flags(self) -> set[str]:
        """Return all flags of this parser and of its commands."""
        found = set(self.flags())
        for action in self._actions:
            if isinstance(action.choices, dict):
                found.update(*(each.all_flags() for each in action.choices.values()))
        return found

    def flags(self) -> list[str]:
        """Return all flags of this parser."""
        return list(self._option_string_actions)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is none of the choices. Python names the nearest one only since version 3.14."""
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            hint = meant(str(value), choices) or f"; choose from {', '.join(choices)}"
            if isinstance(action.choices, dict):
                self.error(f"unknown command {value!r}{hint}")
            raise argparse.ArgumentError(action, f"invalid choice {value!r}{hint}")


@contextmanager
def with_file_name(file: Path | None) -> Iterator[None]:
    """Add the file name of an option to the text of an error, because a key alone may be ambiguous.

    Raises:
      EngineError: the file is invalid.
    """
    try:
        yield
    except DocumentError as error:
        if file is None or isinstance(
            error.__cause__, OSError | UnicodeDecodeError
        ):  # an I/O error, whose text already names the file
            raise
        raise EngineError(f"{file}: {error}") from error
