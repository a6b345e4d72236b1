"""Politeness: packets wait here until the limits of their address allow them (docs/explanation/politeness.md)."""

from gonemaster_engine.net.pacing.limits import AddressLimits, Lease, LeaseClient, LeaseRequest, Leases
from gonemaster_engine.net.pacing.pacing import Pacing

__all__ = ["AddressLimits", "Lease", "LeaseClient", "LeaseRequest", "Leases", "Pacing"]
