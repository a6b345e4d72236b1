"""A second, small implementation of the fourteen test cases that Zonemaster does not have, to check the engine.

It was written from the specification and the RFCs by an author who had not read the engine's cases; apart from
dnspython it shares no code with them. `docs/explanation/divergences.md` lists the differences and the decisions.
"""
