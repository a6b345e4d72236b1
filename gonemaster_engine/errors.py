"""Errors of the engine: wrong input of the caller, never errors of a DNS server."""

from __future__ import annotations

from collections.abc import Sequence

from gonemaster_engine.texts import Text

_SHOWN = 255  # characters of a name in a message; domain names are not longer


class EngineError(Exception):
    """Base class of all errors that the engine raises deliberately."""


class InvalidDomain(EngineError):
    """The name to test is not a domain name; `reason` is the explanation."""

    def __init__(self, name: str, template: str, **values: object) -> None:
        shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}..."
        self.name = name
        self.reason = Text(template, **values)
        super().__init__(Text("{name} is not a valid domain name: {reason}", name=repr(shown), reason=self.reason))


class DocumentError(EngineError):
    """A document has invalid keys or values; `path` and `reason` are those of the first problem."""

    def __init__(self, path: str, reason: str, others: Sequence[tuple[str, str]] = ()) -> None:
        self.problems = ((path, reason), *others)
        super().__init__("; ".join(f"{where}: {problem}" if where else problem for where, problem in self.problems))
        self.path = path
        self.reason = reason


class ProfileError(DocumentError):
    """A profile is invalid."""


class PolicyError(DocumentError):
    """A policy is invalid or unknown."""


class ScoringConfigError(DocumentError):
    """A scoring configuration is invalid."""


class UnknownTestCase(EngineError):
    """A selection contains a name that is neither a test case nor a module."""

    def __init__(self, name: str) -> None:
        super().__init__(Text("{name} is neither a test case nor a module", name=repr(name)))
        self.name = name


class InvalidDelegation(EngineError):
    """Undelegated name servers or DS data are invalid."""


class SourceAddressUnavailable(EngineError):
    """The configured source address does not belong to this host."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"cannot send from the source address {address}: {reason}")
        self.address = address


class TagArgumentError(EngineError):
    """A test case passed arguments to a finding that its tag does not declare."""


class WireError(EngineError):
    """Bytes are not a DNS message; the transport handles it as a missing response."""


class CacheFileError(EngineError):
    """A packet cache file cannot be read or written."""
