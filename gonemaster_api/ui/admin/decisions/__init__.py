"""Decisions about DS records that zones request with CDS and CDNSKEY records."""
