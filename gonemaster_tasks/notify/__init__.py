"""The receiver of NOTIFY messages about CDS records (RFC 9859)."""
