"""Types of arguments, and the options that several commands share."""

import argparse
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

LEVELS = ("DEBUG3", "DEBUG2", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
VIEWS = ("summary", "modules", "raw", "json")
FORMATS = ("pretty", "json", "json-stream", "csv")
VERDICTS = ("pass", "fail", "undecided")
STATUSES = ("queued", "running", "succeeded", "failed", "canceled", "expired", "paused")
_DS = ("keytag", "algorithm", "digtype", "digest")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


class Argument(NamedTuple):
    """An argument of a command, as in `argparse.ArgumentParser.add_argument`."""

    names: Sequence[str]
    options: dict[str, Any]


class Command(NamedTuple):
    """A command: `run` is the module below `cli.commands` and the function, with a dot between them."""

    run: str
    help: str
    arguments: Sequence[Argument] = ()


def arg(*names: str, **options: Any) -> Argument:
    """Describe an argument."""
    return Argument(names, options)


def flag(name: str, text: str) -> Argument:
    """Describe an option without a value."""
    return arg(name, action="store_true", help=text)


def repeatable(name: str, metavar: str, text: str) -> Argument:
    """Describe an option that can be repeated."""
    return arg(name, action="append", default=[], metavar=metavar, help=f"{text}; repeatable")


def level(name: str, text: str) -> Argument:
    """Describe an option whose value is a level."""
    return arg(name, type=str.upper, choices=LEVELS, metavar="LEVEL", help=f"{text}: {', '.join(LEVELS)}")


def limit(default: int, items: str) -> Argument:
    """Describe the maximum length of a list; commands that take all formats use None as the default."""
    text = f"maximum number of {items}; 0 lists all of them (default {default})"
    return arg("--limit", type=number, default=default, metavar="N", help=text)


def identity(what: str, name: str = "id", metavar: str = "ID") -> Argument:
    """Describe a positional argument that identifies an object."""
    return arg(name, metavar=metavar, help=what)


def number(text: str) -> int:
    """Read a number of at least 0."""
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 0")
    return int(text)


def positive(text: str) -> int:
    """Read a number of at least 1."""
    if not number(text):
        raise argparse.ArgumentTypeError("must be at least 1")
    return int(text)


def duration(text: str) -> float:
    """Read a duration such as 30s, 10m, 1h30m, or a number of seconds."""
    found = _DURATION.fullmatch(text)
    hours, minutes, seconds = found.groups() if found else (None, None, None)
    total = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds or 0)
    if not total:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration, such as 30s, 10m or 1h30m")
    return total


def nameserver(text: str) -> dict[str, str]:
    """Read a name server NAME or NAME/ADDRESS."""
    name, _, address = text.partition("/")
    if not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME or NAME/ADDRESS")
    return {"ns": name, "ip": address} if address else {"ns": name}


def ds_record(text: str) -> dict[str, Any]:
    """Read a DS record KEYTAG,ALGORITHM,DIGESTTYPE,DIGEST."""
    fields = listed(text)
    if len(fields) != len(_DS) or not all(field.isascii() and field.isdecimal() for field in fields[:-1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEYTAG,ALGORITHM,DIGESTTYPE,DIGEST")
    return {name: int(field) for name, field in zip(_DS, fields[:-1], strict=False)} | {"digest": fields[-1]}


def header(text: str) -> tuple[str, str]:
    """Read a header NAME:VALUE."""
    name, colon, value = text.partition(":")
    if not colon or not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or re.search(r"[^\t\x20-\x7e]", value):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:VALUE in printable ASCII characters")
    return name, value.strip()


def listed(text: str) -> list[str]:
    """Read values that are separated by commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def listed_numbers(text: str) -> list[int]:
    """Read numbers that are separated by commas."""
    return [number(part) for part in listed(text)]
