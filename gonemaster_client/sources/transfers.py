"""The delegated names of a zone, read with a zone transfer (AXFR, RFC 5936), optionally signed (TSIG, RFC 8945).

The transfer is made by dnspython, which the extra `axfr` installs. The zone is never held in memory: the transaction
below only passes on the owners of NS records.
"""

import base64
import re
import socket
from collections.abc import Callable
from typing import Any

from gonemaster_client.sources.files import SourceError, names_of

try:
    import dns.exception
    import dns.message
    import dns.name
    import dns.query
    import dns.rdataclass
    import dns.rdataset
    import dns.rdatatype
    import dns.transaction
    import dns.tsig
except ImportError:
    raise SourceError("zone transfers need dnspython: pip install 'gonemaster-client[axfr]'") from None

_SERVER = re.compile(r"(?P<host>[^#]+)(?:#(?P<port>[0-9]{1,5}))?")
_ALGORITHMS = {name.to_text(omit_final_dot=True).lower(): name for name in dns.tsig.mac_sizes}


def transfer(
    server: str, zone: str, add: Callable[[str], object], *, tsig_file: str | None = None, timeout_s: float = 30.0
) -> None:
    """Pass the owners of NS records below the apex of a zone to `add`, without the final dot.

    `timeout_s` is the time limit of each message. A failed transfer may have passed on some names.

    Raises:
        SourceError: the transfer failed or was refused, or an argument is invalid.
    """
    try:
        apex = dns.name.from_text(zone)
        query = dns.message.make_query(apex, dns.rdatatype.AXFR)
        if tsig_file:
            query.use_tsig(_read_key(tsig_file))
        address, port = _address_of(server)
        dns.query.inbound_xfr(address, _Sink(apex, add), query, port=port, timeout=timeout_s)
    except (dns.exception.DNSException, OSError, EOFError) as error:
        raise SourceError(f"AXFR of {zone} from {server}: {str(error) or type(error).__name__}") from None


def _address_of(server: str) -> tuple[str, int]:
    """Return the address and port of ADDRESS[#PORT]; the address of a name is looked up."""
    found = _SERVER.fullmatch(server)
    port = int(found["port"] or 53) if found else 0
    if not found or not 0 < port < 65536:
        raise SourceError(f"{server!r} is not the ADDRESS[#PORT] of a name server")
    address = socket.getaddrinfo(found["host"], port, type=socket.SOCK_STREAM)[0][4]
    return str(address[0]), port


def _read_key(path: str) -> dns.tsig.Key:
    """Read a key as `dig -y` takes it: [ALGORITHM:]NAME:SECRET, by default with hmac-sha256."""
    lines = list(names_of(path))
    parts = lines[0].split(":") if len(lines) == 1 else []
    if len(parts) not in (2, 3):
        raise SourceError(f"{path}: the file must have one line [ALGORITHM:]NAME:SECRET")
    *algorithm, name, secret = parts
    wanted = algorithm[0].lower() if algorithm else "hmac-sha256"
    if wanted not in _ALGORITHMS:
        raise SourceError(f"{path}: {wanted} is no algorithm of TSIG: use one of {', '.join(sorted(_ALGORITHMS))}")
    try:
        return dns.tsig.Key(name, base64.b64decode(secret, validate=True), _ALGORITHMS[wanted])
    except ValueError:
        raise SourceError(f"{path}: the secret must be base64") from None


class _Sink(dns.transaction.TransactionManager):
    """A zone that stores nothing."""

    def __init__(self, apex: dns.name.Name, add: Callable[[str], object]) -> None:
        self.apex, self.add = apex, add

    def writer(self, replacement: bool = False) -> dns.transaction.Transaction:
        return _Delegations(self, replacement)

    def origin_information(self) -> tuple[dns.name.Name, bool, dns.name.Name]:
        return self.apex, False, self.apex

    def get_class(self) -> dns.rdataclass.RdataClass:
        return dns.rdataclass.IN


class _Delegations(dns.transaction.Transaction):
    """A transaction of a transfer, in which each record set is new."""

    manager: _Sink

    def _get_rdataset(self, *_: object) -> None:
        return None

    def _put_rdataset(self, name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> None:
        if rdataset.rdtype == dns.rdatatype.NS and name != self.manager.apex:
            self.manager.add(name.to_text(omit_final_dot=True).lower())

    def _end_transaction(self, commit: Any) -> None:
        pass
