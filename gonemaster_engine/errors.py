"""Errors of the engine: what a caller did wrong, never what a DNS server did wrong."""

from __future__ import annotations

from collections.abc import Sequence

from gonemaster_engine.texts import Text

_SHOWN = 255  # characters of a name in a message; no domain name is longer


class EngineError(Exception):
    """Base of all errors that the engine raises on purpose."""


class InvalidDomain(EngineError):
    """The name to test cannot be a domain name; `reason` says why."""

    def __init__(self, name: str, template: str, **values: object) -> None:
        shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
        self.name = name
        self.reason = Text(template, **values)
        super().__init__(Text("{name} is not a valid domain name: {reason}", name=repr(shown), reason=self.reason))


class DocumentError(EngineError):
    """A document holds keys or values that are not allowed; `path` and `reason` are those of the first."""

    def __init__(self, path: str, reason: str, others: Sequence[tuple[str, str]] = ()) -> None:
        self.problems = ((path, reason), *others)
        super().__init__("; ".join(f"{where}: {what}" if where else what for where, what in self.problems))
        self.path = path
        self.reason = reason


class ProfileError(DocumentError):
    """A profile that is not valid."""


class ScoringConfigError(DocumentError):
    """A configuration of scoring that is not valid."""


class UnknownTestCase(EngineError):
    """A selection names neither a test case nor a module."""

    def __init__(self, name: str) -> None:
        super().__init__(Text("{name} is neither a test case nor a module", name=repr(name)))
        self.name = name


class InvalidDelegation(EngineError):
    """Undelegated name servers or DS data that cannot be used."""


class NotAnAddressOfThisHost(EngineError):
    """Queries are to be sent from an address that this host does not have."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"cannot send from the source address {address}: {reason}")
        self.address = address


class TagArgumentError(EngineError):
    """A test case gave a finding other arguments than its tag declares."""


class WireError(EngineError):
    """Bytes that are not a DNS message; the transport turns it into "no response"."""


class CacheFileError(EngineError):
    """A packet cache file that cannot be read or written."""
