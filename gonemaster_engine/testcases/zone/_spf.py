"""SPF policies: the TXT records that are policies, and the grammar of their terms.

Source: RFC 7208 sections 5.1, 6.1, 7.1 and 12.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import NamedTuple

from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.txt import joined_strings

VERSION = "v=spf1"

_MACRO = r"%\{[slodiphcrtv][0-9]*r?[.\-+,/_=]*\}|%%|%_|%-"
_IP4_LENGTH = r"/(?:[0-9]|[12][0-9]|3[0-2])"
_IP6_LENGTH = r"/(?:[0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])"
_LENGTHS = rf"(?:{_IP4_LENGTH})?(?:/{_IP6_LENGTH})?"

_QUALIFIER = re.compile(r"[-+~?]?")
_MODIFIER = re.compile(r"(?P<name>[a-z][a-z0-9\-_.]*)=(?P<value>.*)", re.IGNORECASE | re.DOTALL)
_MACRO_TEXT = re.compile(rf"(?P<last>{_MACRO}|[\x21-\x24\x26-\x7e])*", re.IGNORECASE)
_TOP_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.IGNORECASE)
_DOMAIN = re.compile(r":(?P<domain>.*)", re.DOTALL)
_DOMAIN_AND_LENGTHS = re.compile(rf"(?::(?P<domain>.*?))?{_LENGTHS}", re.DOTALL)
_MECHANISMS = {
    "all": re.compile(r""),
    "include": _DOMAIN,
    "exists": _DOMAIN,
    "a": _DOMAIN_AND_LENGTHS,
    "mx": _DOMAIN_AND_LENGTHS,
    "ptr": re.compile(r"(?::(?P<domain>.*))?", re.DOTALL),
    "ip4": re.compile(rf":(?P<address>[0-9.]+)(?:{_IP4_LENGTH})?"),
    "ip6": re.compile(rf":(?P<address>[0-9a-f:.]+)(?:{_IP6_LENGTH})?", re.IGNORECASE),
}
_ALL = frozenset({"all", "+all", "-all", "~all", "?all"})
_NAME = re.compile(r"[a-z0-9]+", re.IGNORECASE)
# RFC 7208 section 3.4 wants policies to fit into 512 octets; no receiver evaluates much longer ones.
POLICY_MAX_CHARACTERS = 4096
_ONCE = ("redirect", "exp")  # modifiers that may occur once (RFC 7208 section 6)


class SpfTerm(NamedTuple):
    """One term of a policy: a mechanism without its qualifier, or a modifier."""

    name: str
    value: str  # the text after the colon or the equals sign
    is_modifier: bool
    is_valid: bool


def policies(response: Response, owner: str) -> list[str]:
    """Return the SPF policies in an answer, in lower case; non-ASCII octets become U+FFFD."""
    texts = [joined_strings(record.octets) for record in response.records("TXT", owner)]
    found = [text.decode("ascii", "replace").lower() for text in texts]
    return sorted(text for text in found if text == VERSION or text.startswith(f"{VERSION} "))


def terms(policy: str) -> Iterator[SpfTerm]:
    """Yield the terms of a policy."""
    for text in policy.removeprefix(VERSION).split(" "):
        if text:
            yield _modifier(text) or _mechanism(text)


def evaluated_terms(policy: str) -> Iterator[SpfTerm]:
    """Yield the terms of a policy that can have an effect: "all" ends it, and no redirect is followed with "all"."""
    has_all = not _ALL.isdisjoint(policy.split(" "))
    for term in terms(policy):
        if term.name == "all" and not term.is_modifier:
            return
        if term.name != "redirect" or not has_all:
            yield term


def _modifier(text: str) -> SpfTerm | None:
    match = _MODIFIER.fullmatch(text)
    if match is None:
        return None
    name, value = match["name"], match["value"]
    is_valid = _is_domain(value) if name in _ONCE else _MACRO_TEXT.fullmatch(value) is not None
    return SpfTerm(name, value, is_modifier=True, is_valid=is_valid)


def _mechanism(text: str) -> SpfTerm:
    start = match.end() if (match := _QUALIFIER.match(text)) else 0
    name_end = match.end() if (match := _NAME.match(text, start)) else start
    name, rest = text[start:name_end], text[name_end:]
    grammar = _MECHANISMS.get(name)
    match = grammar.fullmatch(rest) if grammar else None
    is_valid = match is not None and all(
        _is_domain(text) if kind == "domain" else _is_address(name, text)
        for kind, text in match.groupdict().items()
        if text is not None
    )
    return SpfTerm(name, rest.removeprefix(":"), is_modifier=False, is_valid=is_valid)


def _is_domain(text: str) -> bool:
    """Return whether a text is a domain-spec, which ends in a macro, or in a dot and a valid TLD label.

    The last label is not a number, so an address is not a domain (RFC 7208 section 7.1).
    """
    match = _MACRO_TEXT.fullmatch(text)
    if match is None or match["last"] is None:
        return False
    if match["last"].startswith("%"):
        return True
    _, dot, top = text.removesuffix(".").rpartition(".")
    return bool(dot) and _TOP_LABEL.fullmatch(top) is not None and not top.isdigit()


def _is_address(mechanism: str, text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == int(mechanism[-1])
    except ValueError:
        return False


def follows_grammar(policy: str) -> bool:
    """Return whether a policy is valid (RFC 7208 section 4.6); one that is too long is not read."""
    if len(policy) > POLICY_MAX_CHARACTERS:
        return False
    found = list(terms(policy))
    names = [term.name for term in found if term.is_modifier]
    return all(term.is_valid for term in found) and all(names.count(name) <= 1 for name in _ONCE)


def unknown_modifiers(policy: str) -> list[str]:
    """Return the names of modifiers that RFC 7208 does not define, sorted; receivers ignore them."""
    return sorted({term.name for term in terms(policy) if term.is_modifier} - set(_ONCE))


def forbids_all_senders(policy: str) -> bool:
    """Return whether the policy is the one for domains without mail: "-all" and nothing else."""
    return policy.split() == [VERSION, "-all"]
