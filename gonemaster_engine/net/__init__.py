"""Packets: what is sent and received, and what is remembered of it."""
