"""The chain of trust from the root to the tested zone, as seen by one run, as a document for users and programs.

docs/reference/dnssec-chain.md describes every field.
"""

from gonemaster_engine.trustchain.document import VERSION, build_chain

__all__ = ["VERSION", "build_chain"]
