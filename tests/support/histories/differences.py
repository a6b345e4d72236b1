"""The first difference between two JSON documents."""

from collections.abc import Mapping
from typing import Any

_SHOWN = 300
_DIGITS = 6  # tolerance of times since the start of a run, in microseconds


def difference(expected: Any, found: Any, path: str = "") -> str:
    """Return the first difference between two documents; empty if they are equal."""
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return _of_objects(expected, found, path)
    if isinstance(expected, list | tuple) and isinstance(found, list):
        parts = (
            difference(*pair, f"{path}[{number}]") for number, pair in enumerate(zip(expected, found, strict=False))
        )
        wrong = next(filter(None, parts), "")
        if wrong or len(expected) == len(found):
            return wrong
        return f"{path} has {len(found)} items instead of {len(expected)}"
    if _equal(expected, found, path):
        return ""
    return f"{path} is {str(found)[:_SHOWN]!r}, expected {str(expected)[:_SHOWN]!r}"


def _of_objects(expected: Mapping[str, Any], found: Mapping[str, Any], path: str) -> str:
    if expected.keys() != found.keys():
        more, less = sorted(found.keys() - expected.keys()), sorted(expected.keys() - found.keys())
        return f"{path} has the unexpected members {more} and lacks {less}"
    parts = (difference(expected[name], found[name], f"{path}.{name}") for name in expected)
    return next(filter(None, parts), "")


def _equal(expected: Any, found: Any, path: str) -> bool:
    if path.endswith(".timestamp"):
        return bool(round(found, _DIGITS) == round(expected, _DIGITS))
    return isinstance(expected, bool) == isinstance(found, bool) and bool(expected == found)
