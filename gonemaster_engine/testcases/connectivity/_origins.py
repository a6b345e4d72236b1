"""Findings of CONNECTIVITY03 and CONNECTIVITY04 about the origin of an address, each case with separate tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gonemaster_engine.asn.cache import Code, Origin
from gonemaster_engine.findings.tags import Finding, Tag


class OriginTags(NamedTuple):
    """The tags of one case for single addresses."""

    raw: Tag
    announced_by: Tag | None
    announced_in: Tag
    empty: Tag
    failed: Tag

    def all(self) -> tuple[Tag, ...]:
        """Return the tags in the order of their declaration."""
        tags = (self.raw, self.announced_by, self.announced_in, self.empty, self.failed)
        return tuple(tag for tag in tags if tag)

    def describe(self, origins: Mapping[str, Origin]) -> Iterator[Finding]:
        """Yield the origin of each address in the database, or a finding that it has none."""
        failures = {Code.EMPTY_ASN_SET: self.empty, Code.ERROR_ASN_DATABASE: self.failed}
        for address, origin in origins.items():
            if origin.code in failures:
                yield failures[origin.code](address=address)
                continue
            yield self.raw(address=address, data=origin.raw)
            if self.announced_by:
                yield self.announced_by(address=address, asns=list(origin.asns))
            yield self.announced_in(address=address, prefixes=[origin.prefix])
