"""Parse zone file text into records, without the checks that reject broken zones in dnspython's readers."""

from __future__ import annotations

from collections.abc import Iterator

import dns.name
import dns.rdata
import dns.rdataset
import dns.rdatatype
import dns.tokenizer
import dns.transaction
import dns.zonefile
from dns.rdataclass import IN


class _Unchecked(dns.zonefile.RRsetsReaderTransaction):
    def check_put_rdataset(self, check: dns.transaction.CheckPutRdatasetType) -> None:
        """Skip the check for a CNAME next to other records, the only one that a reader sets."""


def read_records(
    text: str, *, origin: dns.name.Name = dns.name.root, ttl: int = 3600
) -> Iterator[tuple[dns.name.Name, dns.rdataset.Rdataset]]:
    """Return the RRsets of a text; `ttl` applies to records without a TTL.

    Raises:
        dns.exception.SyntaxError: the text is not in zone file format.
    """
    manager = dns.zonefile.RRSetsReaderManager(origin, False, IN)
    transaction = _Unchecked(manager, replacement=True, read_only=False)  # type: ignore[no-untyped-call]
    with transaction:
        tokenizer = dns.tokenizer.Tokenizer(text, "<records>")
        dns.zonefile.Reader(tokenizer, IN, transaction, allow_directives=False, default_ttl=ttl).read()
    yield from ((name, rdataset) for (name, _, _), rdataset in transaction.rdatasets.items())


def read_rdata(rdtype: str, text: str, *, origin: dns.name.Name) -> dns.rdata.Rdata:
    r"""Read rdata; in the form `\# 2 abcd` (RFC 3597 section 5) it is taken unchanged, even if it is invalid for its
    type."""
    number = dns.rdatatype.from_text(rdtype)
    if text.startswith(r"\#"):
        return dns.rdata.GenericRdata(IN, number, bytes.fromhex("".join(text.split()[2:])))
    return dns.rdata.from_text(IN, number, text, origin=origin, relativize=False)
