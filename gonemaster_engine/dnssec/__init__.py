"""DNSSEC for the test cases: keys, signatures, digests and denial of existence, from the octets of a response.

Nothing here raises for what a zone publishes: a hostile key or signature ends as a `Verdict`.
"""
