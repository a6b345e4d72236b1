"""The execution of one job, from its claim to its run."""
