"""Domain names: user input, canonical form, wire format.

Inside the engine a name is a `str` in canonical form: A-labels in lower case joined by dots, no final dot, "." for the
root. In a label, all octets other than letters, digits, hyphen, underscore, asterisk and slash are written as a
backslash and three digits. This includes dots, so a canonical name can always be split at its dots. Strings are hashed
once and compared in C, which makes the engine fast.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import idna

from gonemaster_engine.errors import InvalidDomain, WireError

ROOT = "."
LABEL_MAX_OCTETS = 63  # RFC 1035 section 2.3.4
NAME_MAX_OCTETS = 255  # in wire format, RFC 1035 section 2.3.4
TEXT_MAX_CHARACTERS = 253  # the longest name in text form, without the final dot
TYPED_MAX_CHARACTERS = 1024  # allows for characters that are removed or composed; longer input is rejected unparsed

REFUSALS = {
    "empty": "it is empty",
    "too_long": "it has {count} characters; at most {limit} are allowed",
    "empty_label": "it has an empty label (two dots in a row, or a dot at the start)",
    "long_label": "the label {label}... is longer than {limit} characters",
    "space": "it contains a space; enter one domain name without spaces",
    "character": "the label {label} contains characters that are not allowed: {characters}",
    "hyphens": "the label {label} consists only of hyphens",
    "a_label": "the label {label} starts with xn-- but is not a valid internationalised label",
    "u_label": "the label {label} cannot be converted to an A-label: {error}",
    "url": "it is a URL or an email address; enter only the domain name {domain}",
    "ip_address": "it is an IP address; enter a domain name, or the reverse zone of the address, for example {zone}",
    "ip_prefix": "it is an IP prefix; enter a domain name, or the reverse zone of the prefix, for example {zone}",
}
"""Reasons why a text is not a domain name: the templates of InvalidDomain, which are translated."""

_DOTS = dict.fromkeys(map(ord, "。．｡"), ".")  # dots in IDNA2003 and UTS 46
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789-_*/")
_PREFIX = "xn--"
_MAX_REASON = 200  # characters of the IDNA library's error, which repeats its input
# Zonemaster's specification allows the slash anywhere; zones for parts of a /24 have it (RFC 2317).
_TYPED = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_/")
_CANONICAL = re.compile(r"(?:[a-z0-9_/-]{1,63}\.)*[a-z0-9_/-]{1,63}")  # matches most names of most batches
# Starts an A-label, is a label of hyphens only, ends like an IP address, or has a slash like a URL.
_SUSPECT = re.compile(r"(?:^|\.)(?:xn--|-+(?:\.|$)|[0-9]+$)|/")
_URL = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://|mailto:)?(?:[^/?#@\s]*@)?([^/?#@:\s\[\]]+)(?::[0-9]*)?(?:[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
# The labels of a reverse zone as most networks have it: of a /24, or of a /48.
_REVERSE_LABELS = {4: 5, 6: 14}
# IDNAError and UnicodeError are ValueErrors; Python's Punycode decoder may raise OverflowError.
_IDNA_ERRORS = (ValueError, ArithmeticError, LookupError)


def normalize_domain(text: str) -> str:
    """Return the canonical name for user input.

    Surrounding white space is removed, U-labels are converted to A-labels (UTS 46, non-transitional), and a final dot
    is dropped. URLs, email addresses and IP addresses are refused.

    Raises:
      InvalidDomain: the text is not a domain name; the error has the reason.
    """
    if len(text) <= TEXT_MAX_CHARACTERS and _CANONICAL.fullmatch(text) and not _SUSPECT.search(text):
        return text
    if len(text) > TYPED_MAX_CHARACTERS:
        raise InvalidDomain(text, REFUSALS["too_long"], count=len(text), limit=TEXT_MAX_CHARACTERS)
    _refuse_addresses(text, text)
    canonical = _normalize(text)
    _refuse_addresses(text, canonical)  # normalization may produce an address, for example from full-width digits
    return canonical


def _refuse_addresses(typed: str, text: str) -> None:
    """Refuse a text that is a URL, an email address or an IP address; `typed` is the user input."""
    if zone := _reverse_zone(text):
        raise InvalidDomain(typed, REFUSALS["ip_prefix" if "/" in text else "ip_address"], zone=zone)
    if host := host_of_url(text):
        raise InvalidDomain(typed, REFUSALS["url"], domain=host)


def host_of_url(text: str) -> str:
    """Return the host of a URL or email address that was typed as a domain; empty for other text.

    `example.com/start` counts as a URL. Domain names with slashes (RFC 2317) have digits before the slash.
    """
    typed = text.strip()
    found = _URL.fullmatch(typed)
    if found is None or found[1] == typed:
        return ""
    try:
        *above, last = _normalize(found[1]).split(".")
    except InvalidDomain:
        return ""
    return found[1] if any(above) and not last.isdigit() else ""


def _reverse_zone(text: str) -> str:
    """Return the probable reverse zone of an IP address or prefix that was typed as a domain; empty for other text."""
    try:
        without_zone_index = re.sub(r"%[^/]*", "", text.strip().removesuffix(".").removeprefix("[").removesuffix("]"))
        address = ipaddress.ip_interface(without_zone_index).ip
    except ValueError:
        return ""
    return ".".join(address.reverse_pointer.split(".")[-_REVERSE_LABELS[address.version] :])


def _normalize(text: str) -> str:
    """Return the canonical name for user input that is neither a URL nor an address."""
    typed = typed_labels(text)
    if not typed:
        if text.strip():
            return ROOT
        raise InvalidDomain(text, REFUSALS["empty"])
    labels = [_a_label(text, label) for label in typed]
    canonical = ".".join(labels)
    if len(canonical) > TEXT_MAX_CHARACTERS:
        raise InvalidDomain(text, REFUSALS["too_long"], count=len(canonical), limit=TEXT_MAX_CHARACTERS)
    return canonical


def typed_labels(text: str) -> list[str]:
    """Return the labels of user input, with only their characters normalised; none for the root."""
    name = unicodedata.normalize("NFC", text.strip()).translate(_DOTS)
    return name.removesuffix(".").split(".") if name not in {"", ROOT} else []


def a_label_length(label: str) -> int:
    """Return the number of octets of a label from user input, even if it exceeds the limit.

    For a U-label that is longer than any name it returns a lower bound, because Punycode takes quadratic time.
    """
    if label.isascii():
        return len(label)
    if len(label) > TEXT_MAX_CHARACTERS:
        return len(_PREFIX) + len(label) + 1
    return len(_PREFIX) + len(label.lower().encode("punycode"))


def _a_label(text: str, label: str) -> str:
    if not label:
        raise InvalidDomain(text, REFUSALS["empty_label"])
    if not label.isascii():
        label = _encode_u_label(text, label)
    label = label.lower()
    if len(label) > LABEL_MAX_OCTETS:
        raise InvalidDomain(text, REFUSALS["long_label"], label=repr(label[:20]), limit=LABEL_MAX_OCTETS)
    unexpected = sorted(set(label) - _TYPED)
    if any(map(str.isspace, unexpected)):
        raise InvalidDomain(text, REFUSALS["space"])
    if unexpected:
        shown = ", ".join(repr(character) for character in unexpected[:5])
        raise InvalidDomain(text, REFUSALS["character"], label=repr(label), characters=shown)
    if not label.strip("-"):
        raise InvalidDomain(text, REFUSALS["hyphens"], label=repr(label))
    if label.startswith(_PREFIX) and not _is_a_label(label):
        raise InvalidDomain(text, REFUSALS["a_label"], label=repr(label))
    return label


def _is_a_label(label: str) -> bool:
    """Return whether a label is an A-label under UTS 46, which allows more existing names than RFC 5891."""
    try:
        decoded = label.removeprefix(_PREFIX).encode("ascii").decode("punycode")
        mapped = idna.uts46_remap(decoded, std3_rules=False, transitional=False)
        return not decoded.isascii() and mapped == decoded and _PREFIX + decoded.encode("punycode").decode() == label
    except _IDNA_ERRORS:
        return False


def _encode_u_label(text: str, label: str) -> str:
    try:
        mapped = idna.uts46_remap(label, std3_rules=False, transitional=False)
        return idna.alabel(mapped).decode("ascii")
    except _IDNA_ERRORS as error:
        shown = repr(label) if len(label) <= LABEL_MAX_OCTETS else f"{label[:20]!r}..."
        raise InvalidDomain(text, REFUSALS["u_label"], label=shown, error=str(error)[:_MAX_REASON]) from error


def to_unicode(name: str) -> str:
    """Return the name with U-labels where they decode; for display only."""
    return ".".join(_u_label(label) for label in name.split(".")) if name != ROOT else ROOT


def _u_label(label: str) -> str:
    if not label.startswith(_PREFIX):
        return label
    try:
        return idna.ulabel(label)
    except _IDNA_ERRORS:
        return label


def canonical(text: str) -> str:
    """Return the canonical form of a name in presentation format (RFC 1035 section 5.1), from a zone file or dnspython.

    Raises:
      ValueError: the text is not a name.
    """
    if text in {"", ROOT}:
        return ROOT
    if "\\" not in text:
        return _check_labels(text.lower().removesuffix("."))
    labels = _split_escaped(text)
    if not all(0 < len(label) <= LABEL_MAX_OCTETS for label in labels) or _wire_octets(labels) > NAME_MAX_OCTETS:
        raise ValueError(f"{text!r} is not a domain name")
    return from_labels(labels)


def _wire_octets(labels: list[bytes]) -> int:
    return sum(map(len, labels)) + len(labels) + 1


def _check_labels(name: str) -> str:
    labels = name.split(".")
    if not all(0 < len(label) <= LABEL_MAX_OCTETS for label in labels) or len(name) > TEXT_MAX_CHARACTERS:
        raise ValueError(f"{name!r} is not a domain name")
    if name.isascii() and all(octet in _PLAIN for octet in name.replace(".", "").encode("ascii")):
        return name
    return from_labels([label.encode("latin-1", "strict") for label in labels])


def _split_escaped(text: str) -> list[bytes]:
    labels, label, position = [], bytearray(), 0
    raw = text.encode("latin-1", "strict")
    while position < len(raw):
        octet = raw[position]
        position += 1
        if octet == 0x2E:
            labels.append(bytes(label))
            label.clear()
            continue
        if octet == 0x5C:
            if raw[position : position + 3].isdigit() and len(raw) >= position + 3:
                octet = int(raw[position : position + 3])
                position += 3
            elif position < len(raw):
                octet = raw[position]
                position += 1
        label.append(octet)
    if label:
        labels.append(bytes(label))
    return labels


def from_labels(labels: list[bytes]) -> str:
    """Return the canonical name of labels in wire order, without the root label."""
    return ".".join(label_text(label) for label in labels) if labels else ROOT


@lru_cache(maxsize=8192)
def label_text(label: bytes) -> str:
    """Return the canonical text of one label."""
    lower = label.lower()
    if _PLAIN.issuperset(lower):
        return lower.decode("ascii")
    return "".join(chr(octet) if octet in _PLAIN else f"\\{octet:03d}" for octet in lower)


@lru_cache(maxsize=8192)
def to_wire(name: str) -> bytes:
    """Return the uncompressed wire format of a canonical name.

    Raises:
        WireError: a label or the name is too long; canonical names from `normalize_domain` never are.
    """
    if name == ROOT:
        return b"\x00"
    wire = bytearray()
    for label in name.split("."):
        octets = _label_octets(label)
        if not 0 < len(octets) <= LABEL_MAX_OCTETS:
            raise WireError(f"a label of {name!r} is empty or too long")
        wire.append(len(octets))
        wire += octets
    wire.append(0)
    if len(wire) > NAME_MAX_OCTETS:
        raise WireError(f"{name!r} is too long")
    return bytes(wire)


def _label_octets(label: str) -> bytes:
    if "\\" not in label:
        return label.encode("ascii")
    octets = bytearray()
    position = 0
    while position < len(label):
        if label[position] == "\\":
            octets.append(int(label[position + 1 : position + 4]))
            position += 4
        else:
            octets.append(ord(label[position]))
            position += 1
    return bytes(octets)


def labels(name: str) -> list[str]:
    """Return the labels of a canonical name, leftmost first; none for the root."""
    return [] if name == ROOT else name.split(".")


def parent(name: str) -> str:
    """Return the name without its leftmost label; the root is its own parent."""
    return name.partition(".")[2] or ROOT


def is_below(name: str, zone: str) -> bool:
    """Return whether `name` is strictly below `zone`."""
    return name != zone and is_in_domain(name, zone)


def is_in_domain(name: str, zone: str) -> bool:
    """Return whether `name` is `zone` or below it ("in-domain", RFC 9499 section 7; formerly "in-bailiwick")."""
    return zone == ROOT or name == zone or name.endswith("." + zone)


def ancestors(name: str) -> Iterator[str]:
    """Yield the name, its parent and so on, the root last."""
    while name != ROOT:
        yield name
        name = parent(name)
    yield ROOT


def extend(ancestor: str, name: str) -> str:
    """Return `ancestor` extended by one label of `name`, which must be below it."""
    count = 0 if ancestor == ROOT else ancestor.count(".") + 1
    return ".".join(name.split(".")[-count - 1 :])


def prepend(label: str, name: str) -> str:
    """Return the name with a label prepended."""
    return label if name == ROOT else f"{label}.{name}"


def canonical_address(text: str) -> str:
    """Return the canonical text form of an IP address (RFC 5952).

    Raises:
      ValueError: the text is not an address, or has a zone identifier (RFC 4007), which only one host can interpret.
    """
    address = ipaddress.ip_address(text)
    if getattr(address, "scope_id", None):
        raise ValueError(f"{text!r} has a zone index and is not the address of a name server")
    return socket.inet_ntop(socket.AF_INET if address.version == 4 else socket.AF_INET6, address.packed)
