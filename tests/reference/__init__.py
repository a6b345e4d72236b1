"""A second, small implementation of the fourteen test cases that Zonemaster does not have, to judge the first.

It was written from the specification and the RFCs by an author who had not read the engine's cases; it reads the DNS
and shares no code with them but dnspython. `docs/explanation/divergences.md` lists the differences and the decisions.
"""
