"""The chain of trust from the root to the tested zone, as one run saw it: a document for people and programs.

docs/reference/dnssec-chain.md describes every field.
"""

from gonemaster_engine.trustchain.document import VERSION, build_chain

__all__ = ["VERSION", "build_chain"]
