"""Tests of views run over both storages."""

from tests.support.analysis.storage_fixtures import files, sides, storage

__all__ = ["files", "sides", "storage"]
