"""Computation of score and grade from entries."""
