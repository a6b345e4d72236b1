"""What is wrong with a record of a zone file: which field of which type, and the record itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import dns.rdata
import dns.rdataclass
import dns.rdatatype

_MAX_SHOWN = 100
_TOO_SHORT = "a field is missing"
_CAUGHT = re.compile(r"caught exception <class '[^']*'>: ")
_WORD = re.compile(r';[^\n]*|"(?:\\.|[^"\\\n])*"?|(?:\\.|[^\s()";\\])+', re.DOTALL)
_CLASS = re.compile("IN|CH|HS|ANY|NONE|CLASS[0-9]+", re.IGNORECASE)
_TTL = re.compile("[0-9][0-9a-z]*", re.IGNORECASE)
_MISSING = re.compile("expecting an?(?:other)? .*|text input ended.*|unexpected end of input|", re.IGNORECASE)
_MALFORMED = "Text input is malformed."
_OF_LAST = re.compile("base64|base32|hexadecimal|padding|digest length", re.IGNORECASE)
_ADDRESSES = {"A": "not an IPv4 address", "AAAA": "not an IPv6 address"}
_CLEARER = (
    (re.compile("expecting an integer|Exceeds the limit .*"), "not a number"),
    (re.compile("'[a-z0-9_-]+' codec can't encode"), "not UTF-8"),
    (re.compile(r"DNS TTL value is not well-formed\.|unknown unit .*"), "not a number of seconds"),
    (re.compile("RR class is not zone's class"), "the class must be IN"),
    (re.compile("expecting an? .*"), "not valid"),
)
# Fields of these types have several words each.
_FREE_FORM = frozenset(map(dns.rdatatype.RdataType.make, ("APL", "GPOS", "HIP", "IPSECKEY", "LOC", "WKS")))

_OF_ALL = frozenset(("rdclass", "rdtype", "rdcomment"))


class _Word(NamedTuple):
    start: int
    text: str


def explain(record: str, offset: int, error: str) -> str:
    """Return what is wrong with a record: `error` is what the parser said when it stopped at `offset`."""
    return f"{_explanation(record, offset, _CAUGHT.sub('', error))}; record: {shown(record)}"


def without_source(error: str) -> str:
    """Return an error of the parser without its Python exception."""
    return _CAUGHT.sub("", error).removesuffix(".") or _TOO_SHORT


def shown(text: str) -> str:
    """Return text of a stranger in one short line without control characters."""
    line = " ".join(text.split())
    short = line if len(line) <= _MAX_SHOWN else f"{line[:_MAX_SHOWN]}..."
    return "".join(each if each.isprintable() else f"\\{ord(each):03d}" for each in short)


def _quoted(text: str) -> str:
    return shown(text) if '"' in text else f'"{shown(text)}"'


def _explanation(record: str, offset: int, error: str) -> str:
    words = [_Word(found.start(), found[0]) for found in _WORD.finditer(record) if not found[0].startswith(";")]
    place = _place_of_type(record, words)
    if place is None or words[place].start >= offset:
        at = next((_quoted(word.text) for word in words if word.start == offset), "")
        if error == _MALFORMED and at:
            return f"{at} is not valid"
        return _clearer(error).replace("rdatatype", "record type") or _TOO_SHORT
    return _of_field(words[place].text.upper(), words[place + 1 :], offset, error)


def _place_of_type(record: str, words: Sequence[_Word]) -> int | None:
    """Return the position of the type among the words; None if there is none, or in a directive."""
    has_owner = not record[:1].isspace()
    if has_owner and record.startswith("$"):
        return None
    for place in range(int(has_owner), len(words)):
        text = words[place].text
        if not _CLASS.fullmatch(text) and not _TTL.fullmatch(text):
            return place if _fields(text.upper()) else None
    return None


def _fields(rtype: str) -> tuple[str, ...]:
    """Return the names of the fields of a type in their order; none if the type is unknown."""
    try:
        found = dns.rdatatype.from_text(rtype)
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        return ()
    if found in _FREE_FORM:
        return ("data",)
    parts = dns.rdata.get_rdata_class(dns.rdataclass.IN, found).__mro__  # type: ignore[no-untyped-call]
    names = [name for part in reversed(parts) for name in vars(part).get("__slots__", ()) if name not in _OF_ALL]
    return tuple(name.replace("_", " ") for name in names) or ("data",)


def _of_field(rtype: str, values: Sequence[_Word], offset: int, error: str) -> str:
    fields = _fields(rtype)
    count = sum(value.start < offset for value in values)  # values before the place of the error
    if error.startswith("expected EOL or EOF"):
        extra = values[count].text if count < len(values) else ""
        return f"the {rtype} record has {_quoted(extra)} after its last field"
    is_at_end = count == len(values)
    if is_at_end and count < len(fields) and _MISSING.fullmatch(error):
        return f"the field {fields[count]} of the {rtype} record is missing"
    detail = _ADDRESSES.get(rtype, "not valid") if error in {_MALFORMED, ""} else _clearer(error)
    if is_at_end:  # the whole record was read before it was judged
        fields = fields[-1:] if _OF_LAST.search(error) else fields
        listed = f"the field {fields[0]}" if len(fields) == 1 else f"one of the fields {', '.join(fields)}"
        return f"{listed} of the {rtype} record is not valid" + ("" if detail == "not valid" else f": {detail}")
    field = fields[min(count, len(fields) - 1)]
    return f"the field {field} of the {rtype} record is {_quoted(values[count].text)}: {detail}"


def _clearer(error: str) -> str:
    return next((text for pattern, text in _CLEARER if pattern.match(error)), error.removesuffix("."))
