"""Rehearsal of ICANN's Registry System Testing (RST) 2.0: the suites StandardDNS and StandardDNSSEC."""
