"""DNS messages in wire format: queries, responses, names, rdata."""
