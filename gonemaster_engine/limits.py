"""What one run may do at most, whatever the tested zone holds."""

from __future__ import annotations

from dataclasses import dataclass

SYN_PACKETS = 4  # that the kernel sends within the time limit of a connection that nobody accepts
SET_MAX_RECORDS = 400  # of one type and owner that are looked at
SIGNED_SET_MAX_RECORDS = 128  # of the types of DNSSEC, which are compared with each other; resolvers take far fewer


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """The limits of a run.

    The defaults test every honest zone in full, among them a TLD with forty name servers over IPv4 and IPv6.
    A packet is one transmission: a datagram over UDP, the first or a repeated one, or what a TCP connection costs.
    """

    max_nameservers: int = 50  # names of the name server set of a zone: delegation and apex together
    max_addresses: int = 100  # (name, address) pairs of that set
    max_mail_servers: int = 50  # names that are looked up since mail may go there
    max_queries: int = 30_000  # packets in all
    max_queries_per_address: int = 600  # packets to an address of the delegation that serves the tested zone
    max_entries: int = 10_000
    max_outside_packets: int = 250  # to any other address: it belongs to somebody else
    max_silent_packets: int = 3_000  # in all, beyond those that answers have earned
    max_silent_packets_per_address: int = 60
    packets_per_answer: int = 8  # that one answer earns its address; even a server that drops half of all gets there
    max_earned_packets: int = 64  # ahead: what may still be sent to an address that falls silent
    max_probes: int = 4  # queries under way at once to an address beyond what it has earned
    max_tcp_connections: int = 64  # at once; the process has 512, and a slow server keeps one as long as it likes
    max_octets: int = 32 * 1024 * 1024  # of memory for responses that are kept, and the names in them
    max_records: int = 200_000  # in them
    max_entry_items: int = 200_000  # of the lists among the arguments of entries
    max_entry_octets: int = 2 * 1024 * 1024  # of text in them; a large honest zone has some 200 KiB


DEFAULT_LIMITS = RunLimits()
