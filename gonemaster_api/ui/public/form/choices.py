"""What a DS record can be chosen from: the assigned algorithms and digest types.

Source: IANA registries "DNS Security Algorithm Numbers" and "DS RR Type Digest Algorithms", as the engine has them.
"""

from typing import NamedTuple

from gonemaster_engine.dnssec.algorithms import algorithm, digest_type

ALGORITHMS = (8, 13, 14, 15, 16, 5, 7, 10, 3, 12, 17, 18, 23)  # those in use first
DIGEST_TYPES = (2, 4, 1, 3, 5, 6)
USUAL_ALGORITHM, USUAL_DIGEST_TYPE = 13, 2
HEX_DIGITS = {1: 40, 2: 64, 3: 64, 4: 96, 5: 64, 6: 64}  # of a digest, by its type


class Choice(NamedTuple):
    """A number and its name."""

    number: str
    name: str


def algorithms(chosen: str) -> list[Choice]:
    """Return the algorithms to choose from, with a number that a look-up or an address brought along."""
    return _with(chosen, [Choice(str(number), algorithm(number).mnemonic) for number in ALGORITHMS])


def digest_types(chosen: str) -> list[Choice]:
    """Return the digest types to choose from, as `algorithms` does."""
    return _with(chosen, [Choice(str(number), digest_name(number)) for number in DIGEST_TYPES])


def digest_name(number: int) -> str:
    """Return the name of a digest type."""
    return digest_type(number).description


def _with(chosen: str, usual: list[Choice]) -> list[Choice]:
    lacks = chosen and all(choice.number != chosen for choice in usual)
    return [*usual, Choice(chosen, "")] if lacks else usual
