"""Sentences about many domains, one for each tag whose message contains values of one domain."""
