"""Types of parameters, with the coercions and messages of Zonemaster-Backend.

A type is a function that returns the value, or raises InvalidParams. Texts that look like numbers are numbers, numbers
are also texts, and "true", "false", 0 and 1 are booleans.
"""

import ipaddress
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from gonemaster_api.zonemaster.errors import InvalidParams, WrongParameter
from gonemaster_engine.errors import InvalidDomain
from gonemaster_engine.findings.messages import locales
from gonemaster_engine.names import normalize_domain
from gonemaster_engine.texts import Text, text_of

Type = Callable[[Any], Any]

# The languages of a default installation of Zonemaster; a text that is not translated is shown in English.
LANGUAGES = frozenset({"da", "en", "es", "fi", "fr", "nb", "sl", "sv"})
PROFILE = re.compile("(?i:[a-z0-9]|[a-z0-9][a-z0-9_-]{0,30}[a-z0-9])", re.ASCII)
_INTEGER = re.compile("-?[0-9]{1,18}", re.ASCII)
_LANGUAGE = re.compile("[a-z]{2}")
_LARGEST = 2**63 - 1
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_NAMES = {bool: "boolean", dict: "object", float: "number", int: "integer", list: "array", str: "string"}
_MAX_SHOWN = 20  # unknown properties in a message


def invalid(message: str) -> InvalidParams:
    """Return the error of a value."""
    return InvalidParams([WrongParameter("", message)])


def _expected(wanted: str, value: Any) -> InvalidParams:
    found = _NAMES.get(type(value), "null")
    return invalid(Text("Expected {wanted} - got {found}.", wanted=wanted, found=found))


def _collect(problems: list[WrongParameter], key: str, check: Type, value: Any) -> Any:
    """Return the checked value of a member; add its problems with their paths."""
    try:
        return check(value)
    except InvalidParams as error:
        problems += [WrongParameter(f"/{key}{path}", message) for path, message in error.problems]
        return None


def record(types: Mapping[str, Type], required: Collection[str] = ()) -> Type:
    """Accept an object without other properties."""

    def check(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _expected("object", value)
        problems = [WrongParameter(f"/{name}", Text("Missing property")) for name in required if name not in value]
        if unknown := [name[:50] for name in value if name not in types]:
            listed = ", ".join(sorted(unknown)[:_MAX_SHOWN])
            problems.append(WrongParameter("", Text("Properties not allowed: {listed}.", listed=listed)))
        found = {name: _collect(problems, name, check, value[name]) for name, check in types.items() if name in value}
        if problems:
            raise InvalidParams(problems)
        return found

    return check


def array(item: Type, *, at_least: int = 0, at_most: int | None = None) -> Type:
    """Accept a list."""

    def check(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _expected("array", value)
        if len(value) < at_least:
            raise invalid(Text("Not enough items: {given}/{limit}.", given=len(value), limit=at_least))
        if at_most is not None and len(value) > at_most:
            raise invalid(Text("Too many items: {given}/{limit}.", given=len(value), limit=at_most))
        problems: list[WrongParameter] = []
        found = [_collect(problems, str(index), item, member) for index, member in enumerate(value)]
        if problems:
            raise InvalidParams(problems)
        return found

    return check


def text(pattern: re.Pattern[str] | None = None, message: str = "") -> Type:
    """Accept a string, which a pattern matches as a whole."""

    def check(value: Any) -> str:
        if type(value) in (int, float):
            value = str(value)
        if not isinstance(value, str):
            raise _expected("string", value)
        if pattern is not None and not pattern.fullmatch(value):
            raise invalid(message or Text("String does not match {pattern}.", pattern=pattern.pattern))
        return value

    return check


def integer(*, least: int = -_LARGEST, most: int = _LARGEST, message: str = "") -> Type:
    """Accept an integer in a range, also as a string."""

    def check(value: Any) -> int:
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise invalid(message) if message else _expected("integer", value)
        if not least <= value <= most:
            raise invalid(
                message
                or Text("{value} is not between {least} and {most}.", value=str(value)[:40], least=least, most=most)
            )
        return value

    return check


def boolean(value: Any) -> bool | None:
    """Accept a boolean; null leaves the decision to the profile."""
    if value is None or isinstance(value, bool):
        return value
    if type(value) in (int, str) and str(value) in _BOOLEANS:
        return _BOOLEANS[str(value)]
    raise _expected("boolean", value)


def domain(value: Any) -> str:
    """Accept a domain name and return it in A-labels."""
    given = text()(value).strip()
    if not given:
        raise invalid(Text("Domain name required"))
    try:
        return normalize_domain(given)
    except InvalidDomain as error:
        raise invalid(text_of(error)) from error


def address(value: Any) -> str:
    """Accept an IP address, or an empty string for none."""
    given = text()(value).strip()
    try:
        if "%" in given:
            raise ValueError
        return str(ipaddress.ip_address(given)) if given else ""
    except ValueError as error:
        raise invalid(Text("Invalid IP address")) from error


def language(value: Any) -> str:
    """Accept the code of a language that Zonemaster or this service has."""
    given = text(_LANGUAGE, Text("Invalid language tag format"))(value)
    if given not in LANGUAGES and given not in locales():
        raise invalid(Text("Unkown language string"))  # spelt like this in Zonemaster
    return str(given)


def profile(value: Any) -> str:
    """Accept the name of a profile, in lower case."""
    return str(text(PROFILE, Text("Invalid profile format"))(value)).lower()
