"""Option types: how a value is parsed from text or JSON, and which values are allowed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from gonemaster_engine.texts import Text

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION_PART = re.compile(r"(?<!\d)(\d++(?:\.\d++)?)(ms|s|m|h|d)")
_MAX_DURATION_S = 10 * 366 * 86400
_BOOLEANS = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


@dataclass(frozen=True)
class OptionType:
    """The type of an option's value.

    `parse` turns raw text or JSON into the value and raises ValueError, TypeError or OverflowError. `allowed` completes
    the sentence "the value must be ...". `json_type` is the type of the value in JSON; `minimum`, `maximum` and
    `choices` are the machine-readable form of `allowed`.
    """

    parse: Callable[[object], object]
    allowed: str
    json_type: Literal["string", "integer", "boolean", "array"] = "string"
    minimum: int | None = None
    maximum: int | None = None
    choices: tuple[str, ...] = ()


def integer(low: int, high: int) -> OptionType:
    """Accept integers from `low` to `high`."""

    def parse(raw: object) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int | str):
            raise ValueError
        value = int(raw)
        if not low <= value <= high:
            raise ValueError
        return value

    return OptionType(
        parse, Text("an integer from {low} to {high}", low=low, high=high), "integer", minimum=low, maximum=high
    )


def boolean() -> OptionType:
    """Accept booleans in the forms that are common in environment variables."""

    def parse(raw: object) -> bool:
        if isinstance(raw, bool):
            return raw
        word = raw.strip().lower() if isinstance(raw, str) else ""
        if word not in _BOOLEANS:
            raise ValueError
        return _BOOLEANS[word]

    return OptionType(parse, Text("true or false"), "boolean")


def choice(*values: str) -> OptionType:
    """Accept one of `values` in any letter case, and return it in the spelling given here."""
    spelling = {value.lower(): value for value in values}

    def parse(raw: object) -> str:
        if not isinstance(raw, str) or raw.strip().lower() not in spelling:
            raise ValueError
        return spelling[raw.strip().lower()]

    return OptionType(parse, Text("one of {choices}", choices=", ".join(values)), choices=values)


def text(longest: int = 65535) -> OptionType:
    """Accept any string of at most `longest` characters."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str) or len(raw) > longest:
            raise ValueError
        return raw

    return OptionType(parse, Text("a string of at most {longest} characters", longest=longest))


def duration(*, above_zero: bool = True) -> OptionType:
    """Accept durations such as `30s`, `1h30m`, `1.5h`, or a number of seconds."""

    def parse(raw: object) -> timedelta:
        seconds = _seconds(raw)
        if seconds < 0 or (above_zero and seconds == 0) or seconds > _MAX_DURATION_S:
            raise ValueError
        return timedelta(seconds=seconds)

    any_time = Text("a duration such as 30s, 10m, 1h30m")
    return OptionType(parse, Text("a duration such as 30s, 10m, 1h30m, greater than zero") if above_zero else any_time)


def _seconds(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ValueError
    if isinstance(raw, int | float):
        return float(raw)
    parts = _DURATION_PART.findall(raw.strip())
    if "".join(number + unit for number, unit in parts) == raw.strip() and parts:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return float(raw)


_STORES = ("file", "s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs")


def storage_place() -> OptionType:
    """Accept an absolute path, or a URI of a file system of pyarrow without user and password; empty means none."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str) or "\0" in raw or len(raw) > 1024:
            raise ValueError
        scheme, separator, rest = raw.partition("://")
        if separator and (scheme not in _STORES or "@" in rest.partition("/")[0] or not rest):
            raise ValueError
        if raw and not separator and not Path(raw).is_absolute():
            raise ValueError
        return raw

    allowed = Text(
        "an absolute path, or a URI without user and password, such as s3://bucket/folder ({schemes})",
        schemes=", ".join(_STORES),
    )
    return OptionType(parse, allowed)


def path() -> OptionType:
    """Accept paths of files and directories and expand `~`; an empty string means none."""
    return OptionType(_path, Text("a path"))


def _path(raw: object) -> Path | None:
    if not isinstance(raw, str) or "\0" in raw:
        raise ValueError
    return Path(raw).expanduser() if raw else None


def readable_file() -> OptionType:
    """Accept paths of readable files; an empty string means none."""

    def parse(raw: object) -> Path | None:
        value = _path(raw)
        if value is not None:
            try:
                value.open("rb").close()
            except OSError as error:
                raise ValueError from error
        return value

    return OptionType(parse, Text("the path of a readable file"))


def words(*values: str) -> OptionType:
    """Accept a list of words, as a JSON array or separated by commas.

    With `values`, accept at least one of them and no others; without `values`, any words or none.
    """

    def parse(raw: object) -> tuple[str, ...]:
        items = split_list(raw)
        if values and not (items and set(items) <= set(values)):
            raise ValueError
        return items

    allowed = Text("a list of {items}", items=", ".join(values) if values else Text("names separated by commas"))
    return OptionType(parse, allowed, "array", choices=values)


def split_list(raw: object) -> tuple[str, ...]:
    """Return the items of a JSON array of strings or of a comma-separated string. Raises ValueError."""
    if isinstance(raw, str):
        raw = raw.split(",")
    if not isinstance(raw, list | tuple) or not all(isinstance(item, str) for item in raw):
        raise ValueError
    return tuple(item.strip() for item in raw if item.strip())
