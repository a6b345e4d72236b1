"""Facts of millions of domains in columns: generated files, and a measurement of the analysis over them."""
