"""Reads of the public analysis: documents built from frozen views."""
