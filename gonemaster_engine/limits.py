"""The limits of one run, independent of the contents of the tested zone."""

from __future__ import annotations

from dataclasses import dataclass

TCP_PACKETS = 8  # packets of one query over TCP: two for the connection, the query, two ACKs, two to close, one more
SET_MAX_RECORDS = 400  # records of one type and owner that are read
ANSWER_MAX_RECORDS = 1_000  # maximum for a message; further records are not read
EDNS_MAX_OPTIONS = 32  # maximum for a message
SIGNED_SET_MAX_RECORDS = 128  # maximum for a DNSSEC type, since its records are compared in pairs
RDATA_OF_LISTS_MAX_OCTETS = 4_096  # of a record whose rdata is a list of names, prefixes or parameters
RDATA_OF_BITMAPS_MAX_OCTETS = 256 * 34 + 1_024  # all windows of types (RFC 4034 section 4.1.2), and what precedes them
RDATA_MAX_STRINGS = 1_000  # of a TXT record and similar types; 65,535 octets in strings of 255 octets are 256


@dataclass(frozen=True, kw_only=True)
class RunLimits:
    """The limits of a run.

    The defaults allow a full test of every legitimate zone, for example a TLD with forty name servers over IPv4 and
    IPv6. A packet is one transmission: a UDP datagram or a TCP segment, first or retransmitted.
    """

    max_nameservers: int = 50  # names in the NS sets of a zone: delegation and apex together
    max_addresses: int = 100  # (name, address) pairs of those sets
    max_address_lookups: int = 3_200  # pairs of an in-domain name and a server that is queried for its addresses
    max_mail_servers: int = 50  # names that are looked up as possible mail servers
    max_queries: int = 30_000  # packets in total
    max_queries_per_address: int = 600  # packets to a delegated address that serves the tested zone
    max_entries: int = 10_000
    max_outside_packets: int = 250  # packets to any other address, and to its network
    max_independent_packets: int = 1_200  # packets to a server of the parent zone or the AS database
    max_silent_packets: int = 3_000  # packets in total beyond the earned credit
    max_silent_packets_per_address: int = 60
    packets_per_answer: int = 8  # credit per answer; enough even for a server that drops half of all queries
    max_earned_packets: int = 64  # maximum credit: packets that an address may get after it becomes silent
    max_repeated_packets: int = 200  # because a query had no answer at an address that answers others
    max_probes: int = 4  # concurrent queries to an address beyond its credit
    max_tcp_connections: int = 64  # concurrent; a process has 512, and a slow server can keep them open
    max_octets: int = 64 * 1024 * 1024  # memory that stored responses take as Python objects
    max_records: int = 200_000  # records in stored responses
    max_entry_items: int = 200_000  # list items among the arguments of entries
    max_entry_octets: int = 2 * 1024 * 1024  # text in those arguments; a large legitimate zone has about 200 KiB


DEFAULT_LIMITS = RunLimits()
