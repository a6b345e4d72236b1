"""Reads of the public analysis: documents made from frozen views."""
