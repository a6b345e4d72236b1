"""Politeness: packets wait here until the limits of their address allow them (docs/explanation/politeness.md)."""

from gonemaster_engine.net.pacing.limits import AddressLimits, Lease, Leases, LeaseTerms, Lender, Want
from gonemaster_engine.net.pacing.pacing import Pacing, Stats

__all__ = ["AddressLimits", "Lease", "LeaseTerms", "Leases", "Lender", "Pacing", "Stats", "Want"]
