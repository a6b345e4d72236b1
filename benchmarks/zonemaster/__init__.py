"""The parts of benchmarks/differential.py: what is run, by whom, and what is compared."""
