"""DNS engine: tests a domain with a profile and returns a result.

It has no dependency on jobs, databases or the web.
"""
