"""Unpredictable random numbers, read in blocks from the operating system.

A block costs one system call, and a run needs hundreds of numbers.
"""

from __future__ import annotations

import array
import os

_PORTION = 1024  # numbers in a block
_ALL = 0x10000  # number of 16-bit values
_numbers: list[int] = []


def random_16_bits() -> int:
    """Return a random number below 65,536."""
    try:
        return _numbers.pop()
    except IndexError:
        _numbers.extend(array.array("H", os.urandom(2 * _PORTION)))
        return random_16_bits()


def random_below(limit: int) -> int:
    """Return a uniformly distributed random number below a limit of at most 65,536."""
    fair = _ALL - _ALL % limit
    while (number := random_16_bits()) >= fair:
        pass
    return number % limit


os.register_at_fork(after_in_child=_numbers.clear)  # two processes must not use the same numbers
