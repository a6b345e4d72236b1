"""A JSON parser with bounded memory, which counts the content of a body before it creates objects.

A Python object takes up to twenty times the size of its JSON, and `json.loads` blocks all other threads. The parser
therefore cuts a body into pieces at commas outside strings. Pieces without brackets and colons are parts of a list of
plain values, such as a million names. Each such piece is parsed on its own, and kept as text until its values are read.
All other pieces form the skeleton of the document, whose size is limited. A token in the skeleton represents each run
of plain pieces.

For a body with a million names the peak memory equals the size of the body. `json.loads` and msgspec need four times as
much, and `msgspec.Raw`, which leaves the list unparsed, twice as much. All take the same time. A hook of the standard
library detects duplicate members; msgspec has no such hook.
"""

import json
import math
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from gonemaster_engine.texts import Text, text_of

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_OPENING = b"[{"
_MAX_DIGITS = 1000


@dataclass(frozen=True, kw_only=True)
class JsonLimits:
    """The limits for the content of a document, in bytes unless stated otherwise."""

    depth: int = 100
    containers: int = 10_000  # objects and arrays
    members: int = 10_000  # in all objects
    values: int = 2_000_000  # in all arrays and objects
    value: int = 1024 * 1024  # a string, or any other text between two commas
    skeleton: int = 4 * 1024 * 1024


class InvalidJson(ValueError):
    """The text is not JSON (RFC 8259), or it exceeds a limit; the message states the reason."""


class ValueList:
    """A long list of plain values, stored as JSON. It can be read only once, because reading frees the text."""

    def __init__(self) -> None:
        self._parts: deque[bytes | list[Any]] = deque()
        self._length = 0

    def __len__(self) -> int:
        """Return the original number of values."""
        return self._length

    def __iter__(self) -> Iterator[Any]:
        while self._parts:
            part = self._parts.popleft()
            yield from part if isinstance(part, list) else _loads(b"[%b]" % part)

    def append(self, part: bytes | list[Any], *, length: int) -> None:
        """Append a list of values, or the JSON text of `length` values separated by commas."""
        self._parts.append(part)
        self._length += length

    def extend(self, other: "ValueList") -> None:
        """Move all values of another list to the end of this list."""
        self._length += len(other)
        self._parts += other.parts()

    def parts(self) -> Iterable[bytes | list[Any]]:
        """Return the appended parts that have not been read."""
        return self._parts


class JsonPieces:
    """A parser for a text that arrives in blocks: call `feed` for each block, then `finish`.

    `check` is called with each part of the document. If the member `unread` of the document is a long list, it becomes
    a ValueList and is not checked.
    """

    def __init__(self, limits: JsonLimits, *, check: Callable[[Any], None], unread: str = "") -> None:
        self._structure = _Structure(limits)
        self._limits = limits
        self._check = check
        self._unread = unread
        self._rest = b""  # the text after the last comma
        self._skeleton = bytearray()
        self._runs: dict[str, ValueList] = {}
        self._run: ValueList | None = None  # set while the last piece was plain
        self._token = secrets.token_hex(16)

    def feed(self, block: bytes) -> None:
        """Parse the next block of the text.

        Raises:
            InvalidJson: the text is invalid; no further blocks need to be read.
            UnicodeDecodeError: the text is not UTF-8.
        """
        text = self._rest + block
        end, outside = _cut(text)
        if not end and len(text) > self._limits.value:
            raise InvalidJson(Text("a value is longer than {limits} bytes", limits=self._limits.value))
        self._rest = text[end:]
        if end:
            self._take(text[:end], outside)

    def finish(self) -> Any:
        """Return the document.

        Raises:
            InvalidJson, UnicodeDecodeError: as in `feed`.
        """
        parts = _without_escapes(self._rest).split(b'"')
        self._structure.count(b"".join(parts[::2]))
        self._extend_skeleton(self._rest)
        document = _loads(bytes(self._skeleton))
        if not (self._unread and isinstance(document, dict) and self._unread in document):
            self._graft(document)
            self._check(document)
            return document
        unread = document.pop(self._unread)
        self._graft(document)
        self._check(document)
        return document | {self._unread: self._graft_unread(unread)}

    def _take(self, piece: bytes, outside: bytes) -> None:
        self._structure.count(outside)
        if not self._structure.depth or any(sign in outside for sign in (b"[", b"]", b"{", b"}", b":")):
            self._run = None
            self._extend_skeleton(piece)
            return
        values = _loads(b"[%b]" % piece[:-1])
        if not values:
            raise InvalidJson(Text("the body is not JSON: a value is missing"))
        if self._run is None:
            token = f"{self._token}{len(self._runs)}"
            self._extend_skeleton(f'"{token}",'.encode())
            self._run = self._runs[token] = ValueList()
        self._run.append(piece[:-1], length=len(values))

    def _extend_skeleton(self, piece: bytes) -> None:
        self._skeleton += piece
        if len(self._skeleton) > self._limits.skeleton:
            raise InvalidJson(Text("the body is too complex: only long lists of plain values may be large"))

    def _graft(self, document: Any) -> None:
        """Replace each token with the values that it represents."""
        waiting = [document] if self._runs else []
        while waiting:
            node = waiting.pop()
            waiting += [item for item in children(node) if isinstance(item, dict | list)]
            if isinstance(node, list) and self._has_tokens(node):
                node[:] = self._replaced(node)

    def _has_tokens(self, items: list[Any]) -> bool:
        return any(type(item) is str and item in self._runs for item in items)

    def _replaced(self, items: list[Any]) -> Iterator[Any]:
        for item in items:
            if isinstance(item, str) and item in self._runs:
                yield from self._runs.pop(item)
            else:
                yield item

    def _graft_unread(self, value: Any) -> Any:
        if not isinstance(value, list) or not self._has_tokens(value):
            self._graft(value)
            return value
        found = ValueList()
        for item in value:
            if isinstance(item, str) and item in self._runs:
                found.extend(self._runs.pop(item))
            else:
                self._graft(item)
                found.append([item], length=1)
        return found


class _Structure:
    """Counter of the JSON structure outside strings."""

    def __init__(self, limits: JsonLimits) -> None:
        self._limits = limits
        self._containers = self._members = self._values = 0
        self.depth = 0

    def count(self, outside: bytes) -> None:
        """Count the content of a piece. Raises InvalidJson if a limit is exceeded."""
        limits = self._limits
        # Further brackets need no check: they would open too many levels, or close a level that is not open.
        self._follow(outside.translate(None, _NOT_BRACKETS)[: 2 * limits.containers + limits.depth + 1])
        self._containers += outside.count(b"[") + outside.count(b"{")
        self._members += outside.count(b":")
        self._values += outside.count(b",")
        for name, found, limit in (
            ("objects and arrays", self._containers, limits.containers),
            ("members", self._members, limits.members),
            ("values", self._values, limits.values),
        ):
            if found > limit:
                raise InvalidJson(Text("the body has more than {limit} {name}", limit=limit, name=name))

    def _follow(self, brackets: bytes) -> None:
        for bracket in brackets:
            self.depth += 1 if bracket in _OPENING else -1
            if self.depth > self._limits.depth:
                raise InvalidJson(Text("the body is nested more than {depth} levels deep", depth=self._limits.depth))
            if self.depth < 0:
                raise InvalidJson(Text("the body is not JSON: a bracket is closed that is not open"))


def children(node: Any) -> Iterable[Any]:
    """Return the values of an object or an array; nothing for any other node."""
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()


def _without_escapes(text: bytes) -> bytes:
    """Return a text of the same length in which each quotation mark begins or ends a string."""
    # Backslashes form pairs from the left, as in a scan by character. Unlike a regular expression, replacing needs no
    # memory per escape.
    return text.replace(rb"\\", b"__").replace(rb"\"", b"__") if b"\\" in text else text


def _cut(text: bytes) -> tuple[int, bytes]:
    """Return the end of the last comma outside strings, and the text outside strings up to that comma.

    `text` begins outside strings. The end is 0 if there is no such comma.
    """
    parts = _without_escapes(text).split(b'"')
    last = len(parts) - 1
    end = len(text)
    for number in range(last, -1, -1):
        comma = parts[number].rfind(b",") if number % 2 == 0 else -1
        end -= len(parts[number])
        if comma >= 0:
            parts[number] = parts[number][: comma + 1]
            return end + comma + 1, b"".join(parts[: number + 1 : 2])
        end -= 1  # the quotation mark
    return 0, b""


def _loads(text: bytes) -> Any:
    try:
        return json.loads(
            text.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_integer,
            object_pairs_hook=_unique,
        )
    except json.JSONDecodeError as error:
        raise InvalidJson(
            Text(
                "the body is not JSON: {msg} at line {lineno} column {colno}",
                msg=error.msg,
                lineno=error.lineno,
                colno=error.colno,
            )
        ) from error
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise InvalidJson(Text("the body is not JSON: {error}", error=text_of(error))) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:30]} is too large")
    return number


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:  # the time of the conversion grows faster than the number of digits
        raise ValueError(f"a number has more than {_MAX_DIGITS} digits")
    return int(digits)


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        names = [name for name, _ in members]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"an object has two members named {twice[:100]!r}")
    return found
