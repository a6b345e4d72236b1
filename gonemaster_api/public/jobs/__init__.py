"""Tests of single domains, by anybody."""
