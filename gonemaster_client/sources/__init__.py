"""Sources of the domains of a batch: lists of names, zone files and zone transfers, in bounded memory."""
