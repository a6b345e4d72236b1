"""DNSSEC for the test cases: keys, signatures, digests and denial of existence, parsed from wire format.

Functions do not raise exceptions for a zone's contents: a hostile key or signature gets a verdict.
"""
