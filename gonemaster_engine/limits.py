"""What one run may do at most, whatever the tested zone holds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLimits:
    """The limits of a run. The defaults test every honest zone in full: twice what the largest TLDs have.

    A packet is one transmission: a datagram over UDP, the first or a repeated one, or what a TCP connection costs.
    """

    max_nameservers: int = 64  # names of the name server set of a zone: delegation and apex together
    max_addresses: int = 128  # (name, address) pairs of that set
    max_queries: int = 30_000  # packets in all
    max_queries_per_address: int = 600  # packets to an address of the tested zone's delegation
    max_entries: int = 10_000
    max_outside_packets: int = 250  # to an address outside the delegation: it belongs to somebody else
    max_silent_packets: int = 3_000  # in all, to addresses that have not answered
    max_silent_packets_per_address: int = 60
    max_probes: int = 4  # queries under way at once to an address that has not answered yet


DEFAULT_LIMITS = RunLimits()
