"""Watches: notifications about a tag, a domain or the service."""
