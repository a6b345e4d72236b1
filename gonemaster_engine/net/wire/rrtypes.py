"""Mnemonics of record types, classes and RCODEs, in dictionaries, because the packet path looks them up often."""

from __future__ import annotations

import dns.rcode
import dns.rdataclass
import dns.rdatatype

TYPE_TEXT: dict[int, str] = {int(value): value.name.replace("_", "-") for value in dns.rdatatype.RdataType}
TYPE_NUMBER: dict[str, int] = {text: number for number, text in TYPE_TEXT.items()}
CLASS_NUMBER: dict[str, int] = {"IN": 1, "CH": 3, "HS": 4, "NONE": 254, "ANY": 255}
RCODE_TEXT: dict[int, str] = {int(value): value.name for value in dns.rcode.Rcode}

A, NS, CNAME, SOA, PTR, MX, AAAA, DNAME, OPT, RRSIG = 1, 2, 5, 6, 12, 15, 28, 39, 41, 46
IN = 1


def type_text(number: int) -> str:
    """Return the mnemonic of a type, or TYPEn (RFC 3597 section 5)."""
    return TYPE_TEXT.get(number) or f"TYPE{number}"


def type_number(text: str) -> int:
    """Return the number of a type mnemonic or of TYPEn.

    Raises:
      ValueError: the type is unknown.
    """
    number = TYPE_NUMBER.get(text)
    if number is not None:
        return number
    if text.startswith("TYPE") and text[4:].isdigit():
        return int(text[4:])
    raise ValueError(f"{text!r} is not a record type")


def rcode_text(number: int) -> str:
    """Return the mnemonic of an RCODE, or RCODEn."""
    return RCODE_TEXT.get(number) or f"RCODE{number}"
