"""DNS messages as bytes: queries, responses, names, rdata."""
