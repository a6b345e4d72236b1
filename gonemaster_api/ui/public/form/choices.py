"""The choices of a DS record: assigned algorithms and digest types.

Source: IANA registries "DNS Security Algorithm Numbers" and "DS RR Type Digest Algorithms", as in the engine.
"""

from typing import NamedTuple

from gonemaster_engine.dnssec.algorithms import algorithm, digest_type

ALGORITHMS = (8, 13, 14, 15, 16, 5, 7, 10, 3, 12, 17, 18, 23)  # Algorithms in common use come first.
DIGEST_TYPES = (2, 4, 1, 3, 5, 6)
USUAL_ALGORITHM, USUAL_DIGEST_TYPE = 13, 2
HEX_DIGITS = {1: 40, 2: 64, 3: 64, 4: 96, 5: 64, 6: 64}  # Hex digits of a digest, by type.


class Choice(NamedTuple):
    """A number and its name."""

    number: str
    name: str


def algorithms(chosen: str) -> list[Choice]:
    """Return the algorithms to choose from, including a number from a lookup or the URL."""
    return _with(chosen, [Choice(str(number), algorithm(number).mnemonic) for number in ALGORITHMS])


def digest_types(chosen: str) -> list[Choice]:
    """Return the digest types to choose from, in the same way as `algorithms`."""
    return _with(chosen, [Choice(str(number), digest_name(number)) for number in DIGEST_TYPES])


def digest_name(number: int) -> str:
    """Return the name of a digest type."""
    return digest_type(number).description


def _with(chosen: str, usual: list[Choice]) -> list[Choice]:
    lacks = chosen and all(choice.number != chosen for choice in usual)
    return [*usual, Choice(chosen, "")] if lacks else usual
