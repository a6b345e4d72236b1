"""Several machines: wrong clocks, silent peers, partitions."""
