"""One job, from its claim to its run."""
