"""Batches: the list, one batch, a new one, deletion, and two side by side."""
