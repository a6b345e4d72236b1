"""The form as typed, read from a URL or a submission, without validation."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from werkzeug.datastructures import MultiDict

from gonemaster_api.ui.public.form.choices import USUAL_ALGORITHM, USUAL_DIGEST_TYPE

MAX_ROWS = 32  # The limit of a job.
MAX_LENGTH = 1024  # The maximum length of a field; longer names are always invalid.
_MARK = "options"  # Marks a submission with checkboxes, because browsers do not send unselected ones.


@dataclass(frozen=True, slots=True)
class NameserverRow:
    """A name server of an undelegated zone, and one of its addresses."""

    ns: str = ""
    ip: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether all cells are empty."""
        return not (self.ns.strip() or self.ip.strip())


@dataclass(frozen=True, slots=True)
class DsRow:
    """A DS record (RFC 4034 section 5)."""

    keytag: str = ""
    algorithm: str = str(USUAL_ALGORITHM)
    digtype: str = str(USUAL_DIGEST_TYPE)
    digest: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether key tag and digest are empty; algorithm and type always have a value."""
        return not (self.keytag.strip() or self.digest.strip())


@dataclass(frozen=True, kw_only=True, slots=True)
class TypedFields:
    """The fields of the form as typed."""

    domain: str = ""
    ipv4: bool = True
    ipv6: bool = True
    profile: str = ""
    nameservers: tuple[NameserverRow, ...] = ()
    ds: tuple[DsRow, ...] = ()

    @property
    def has_options(self) -> bool:
        """Whether the form differs from a plain test of a domain."""
        return self != TypedFields(domain=self.domain)

    def without_empty_rows(self) -> "TypedFields":
        """Return the form without empty rows."""
        nameservers = tuple(row for row in self.nameservers if not row.is_empty)
        return replace(self, nameservers=nameservers, ds=tuple(row for row in self.ds if not row.is_empty))

    def parameters(self) -> list[tuple[str, str]]:
        """Return the fields as the form sends them, for hidden fields and URLs."""
        return [("domain", self.domain), *(self._options() if self.has_options else ())]

    def _options(self) -> Iterator[tuple[str, str]]:
        yield _MARK, "1"
        yield from ((name, "1") for name, ticked in (("ipv4", self.ipv4), ("ipv6", self.ipv6)) if ticked)
        yield "profile", self.profile
        for row in self.nameservers:
            yield from (("ns", row.ns), ("ip", row.ip))
        for record in self.ds:
            yield from (("keytag", record.keytag), ("algorithm", record.algorithm))
            yield from (("digtype", record.digtype), ("digest", record.digest))


def read_typed(values: MultiDict[str, str]) -> TypedFields:
    """Read the fields; truncate input beyond the limits, so that validation refuses the rest."""
    shown = _MARK in values
    return TypedFields(
        domain=_text(values.get("domain", "")),
        ipv4="ipv4" in values or not shown,
        ipv6="ipv6" in values or not shown,
        profile=_text(values.get("profile", "")),
        nameservers=tuple(NameserverRow(*row) for row in _rows(values, "ns", "ip")),
        ds=tuple(_ds(row) for row in _rows(values, "keytag", "algorithm", "digtype", "digest")),
    )


def _rows(values: MultiDict[str, str], *names: str) -> list[tuple[str, ...]]:
    columns = [values.getlist(name)[: MAX_ROWS + 1] for name in names]
    return [tuple(map(_text, row)) for row in zip_longest(*columns, fillvalue="")]


def _ds(row: tuple[str, ...]) -> DsRow:
    keytag, algorithm, digtype, digest = row
    return DsRow(keytag, algorithm or str(USUAL_ALGORITHM), digtype or str(USUAL_DIGEST_TYPE), digest)


def _text(value: str) -> str:
    return value.replace("\0", "")[:MAX_LENGTH]
