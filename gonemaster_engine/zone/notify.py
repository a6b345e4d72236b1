"""NOTIFY messages about CDS records, sent to the endpoints of DSYNC records.

Source: RFC 1996, RFC 9859 sections 3 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.zone.dsync import Dsync
from gonemaster_engine.zone.zone import Zone

MAX_ADDRESSES = 4  # the parent zone chooses them, so their number is limited
_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class EndpointAnswer:
    """What an address of an endpoint answered: an RCODE, or why there is none."""

    record: Dsync
    address: str
    rcode: str = ""
    problem: str = ""


def obstacle(zone: Zone, address: str) -> str:
    """Return why the profile permits no message to this address, or an empty text."""
    profile = zone.context.profile
    if profile.no_network:
        return "the profile permits no queries"
    if not zone.context.uses_family(ipv6=":" in address):
        return "the address family is disabled"
    if not is_allowed_target(address, guarded=not profile.allow_non_global_targets):
        return "the address is not globally reachable"
    return ""


async def notify(zone: Zone, record: Dsync, address: str) -> EndpointAnswer:
    """Send a NOTIFY message about the zone to an address over UDP and, without an answer, over TCP."""
    import dns.asyncquery  # of no use to other runs
    import dns.exception
    import dns.flags
    import dns.message
    import dns.opcode
    import dns.rcode
    import dns.rdatatype

    message = dns.message.make_query(zone.name, dns.rdatatype.CDS)
    message.flags = dns.flags.AA
    message.set_opcode(dns.opcode.NOTIFY)
    profile, problem = zone.context.profile, "no response"
    source = (profile.source6 if ":" in address else profile.source4) or None
    for ask in (dns.asyncquery.udp, dns.asyncquery.tcp):
        try:
            answer = await ask(message, address, port=record.port, timeout=_TIMEOUT_S, source=source)
        except (dns.exception.DNSException, OSError, EOFError) as error:
            problem = "no response" if isinstance(error, dns.exception.Timeout) else str(error) or "no response"
            continue
        return EndpointAnswer(record, address, dns.rcode.to_text(answer.rcode()))
    return EndpointAnswer(record, address, problem=problem)
