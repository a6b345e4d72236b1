"""The parts of benchmarks/differential.py: the runs, the engines, and the comparison."""
