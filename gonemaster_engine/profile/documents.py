"""Validation of documents that users write: all problems are collected, each with its path."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from gonemaster_engine.errors import DocumentError
from gonemaster_engine.texts import Text

_REFUSED: Any = object()


class _Brief(reprlib.Repr):
    """Short texts of values, including integers with more digits than Python converts, as YAML can have them."""

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < _MAX_BITS else f"a number of {x.bit_length()} bits"


_MAX_BITS = 1_024
_BRIEF = _Brief()
_BRIEF.maxlevel, _BRIEF.maxstring, _BRIEF.maxother = 2, 60, 60


class Problems:
    """The problems of a document, collected so that its author sees all of them together."""

    def __init__(self, error: type[DocumentError]) -> None:
        self.found: list[tuple[str, str]] = []
        self._error = error

    def add(self, path: str, reason: str) -> Any:
        """Add a problem; return the placeholder of the rejected value."""
        self.found.append((path, reason))
        return _REFUSED

    def raise_if_any(self) -> None:
        """Raise one error with all problems, if there are any."""
        if self.found:
            self._raise()

    def _raise(self) -> NoReturn:
        (path, reason), *others = self.found
        raise self._error(path, reason, others)


def kind(value: Any) -> str:
    """Return the type of a value in words."""
    if value is None:
        return Text("nothing")
    names = {
        bool: Text("a boolean"),
        int: Text("a number"),
        float: Text("a number"),
        str: Text("a string"),
        list: Text("a list"),
        dict: Text("a mapping"),
    }
    return names.get(type(value), type(value).__name__)


def brief(value: Any) -> str:
    """Return a value as short text for an error: with YAML aliases, a small document can hold an endless value."""
    return _BRIEF.repr(value)


def is_number(value: Any) -> bool:
    """Return whether the value is a finite number, and not a boolean."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def read_document(path: str | Path, error: type[DocumentError]) -> dict[str, Any]:
    """Return the mapping in a JSON or YAML file, without validation.

    Raises:
      DocumentError: of the given type; the file cannot be read or is not a mapping.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise error("", f"cannot read {path}: {problem}") from problem
    return parse_document(text, error)


def parse_document(text: str, error: type[DocumentError]) -> dict[str, Any]:
    """Return the mapping in a JSON or YAML text, without validation; an empty text is an empty mapping.

    Raises:
      DocumentError: of the given type; the text is not a mapping.
    """
    try:
        document = json.loads(text)
    except ValueError:
        document = _parse_yaml(text, error)
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise error("", f"must be a mapping, not {kind(document)}")
    return dict(document)


def _parse_yaml(text: str, error: type[DocumentError]) -> Any:
    import yaml  # imported here: most programs never need it, and it is slow to load

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise error(
            "", Text("is neither valid JSON nor valid YAML: {problem}", problem=" ".join(str(problem).split()))
        ) from problem
