"""Tests of several machines: wrong clocks, silent peers, partitions."""
