"""Projection into files: claims of projectors, and compaction."""
