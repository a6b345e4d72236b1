"""Log entries about queries, written by traced runs only."""

from __future__ import annotations

from gonemaster_engine.net.cache import QueryKey
from gonemaster_engine.net.server.paths import Suspension
from gonemaster_engine.net.transport import QueryOutcome
from gonemaster_engine.net.wire.messages import Response
from gonemaster_engine.net.wire.rdata import load_all_types
from gonemaster_engine.run_log import Log

_BIG_OCTETS = 4096  # the largest payload size that EDNS senders usually announce, RFC 6891 section 6.2.5


def query_args(key: QueryKey) -> dict[str, object]:
    """Return the log arguments that identify a query."""
    return {"query_name": key.qname, "query_type": key.qtype, "query_class": key.qclass}


def packet_text(wire: bytes) -> str:
    """Return a message in presentation format, or in hexadecimal if it cannot be parsed."""
    import dns.exception
    import dns.message  # imported here, since few runs are traced and it is slow to load

    load_all_types()
    try:
        return dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False).to_text()
    except (dns.exception.DNSException, ValueError):
        return wire.hex()


def queried(log: Log, address: str, key: QueryKey) -> None:
    """Log that an answer is requested, cached or not."""
    log.system("QUERY", address=address, **query_args(key), flags=str(key.flags))


def known(log: Log, response: Response | None) -> None:
    """Log that a cache had the answer."""
    if response:
        log.system("CACHED_RETURN", packet=packet_text(response.wire))


def sent(log: Log, address: str, key: QueryKey) -> None:
    """Log that a query is sent."""
    log.system("EXTERNAL_QUERY", ns="", address=address, **query_args(key), flags=str(key.flags))


def ended(log: Log, address: str, key: QueryKey, outcome: QueryOutcome) -> None:
    """Log the outcome of a query and the kind of answer."""
    about = {"ns": "", "address": address, **query_args(key)}
    response = outcome.response
    if response is None:
        log.system("EMPTY_RETURN", **about, exception=outcome.error)
        return
    log.system("EXTERNAL_RESPONSE", **about, **_header(response))
    if response.size > _BIG_OCTETS:
        log.system("PACKET_BIG", size=response.size, command="axfr" if key.qtype == "AXFR" else "query")
    _kind(log, key, response)


def _header(response: Response) -> dict[str, object]:
    flags = {name: getattr(response, name) for name in ("aa", "tc", "rd", "ra", "ad", "cd")}
    sections = {name: len(getattr(response, name)) for name in ("answer", "authority", "additional")}
    return {"rcode": response.rcode, **flags, "answers": sections.pop("answer"), **sections}


def _kind(log: Log, key: QueryKey, response: Response) -> None:
    if response.is_referral:
        to = next(record.owner for record in response.records("NS", None, "authority"))
        log.system("IS_REDIRECT", **query_args(key), to=to)
    elif response.rcode == "NXDOMAIN":
        log.system("NO_SUCH_NAME", **query_args(key))
    elif response.rcode == "NOERROR" and not response.answer and not response.tc:
        log.system("NO_SUCH_RECORD", **query_args(key))


def family_disabled(log: Log, nameserver: str, address: str) -> None:
    """Log that an address family is disabled."""
    log.system(f"IPV{6 if ':' in address else 4}_BLOCKED", ns=nameserver, address=address)


def suspended(log: Log, nameserver: str, address: str, key: QueryKey, suspension: Suspension) -> None:
    """Log that a query is not sent because its server or its path never answered; the first time has a separate tag."""
    protocol = _protocol(key)
    if suspension.whole_address:
        about = {"ns": nameserver, "address": address, "protocol": protocol}
        if not log.system_once("BLACKLISTING", address, **about):
            log.system("IS_BLACKLISTED", **about)
        return
    tag = "REACHABILITY_CACHE_SKIP" if suspension.is_unreachable else "ERROR_CACHE_SKIP"
    log.system(tag, address=address, **query_args(key), protocol=protocol, ttl_seconds=round(suspension.left_s))


def _protocol(key: QueryKey) -> str:
    return "TCP" if key.tcp else "UDP"


def supplied_ds(log: Log, zone: str) -> None:
    """Log once that supplied DS records replace those of the parent zone."""
    about = {"query_name": zone, "query_type": "DS", "query_class": "IN", "from": zone}
    log.system_once("FAKE_DS_RETURNED", zone, **about)


def supplied_delegation(log: Log, qname: str, qtype: str, *, zone: str, wire: bytes) -> None:
    """Log that a supplied delegation replaced an answer of the parent zone."""
    about = {"query_name": qname, "query_type": qtype, "query_class": "IN", "from": zone}
    log.system("FAKE_DELEGATION_RETURNED", **about)
    log.system("FAKE_PACKET_RETURNED", packet=packet_text(wire))
