"""Numbers that nobody can foresee, from the operating system's source of randomness, read in portions.

A portion costs one system call, and a run needs hundreds of numbers.
"""

from __future__ import annotations

import array
import os

_PORTION = 1024  # numbers
_ALL = 0x10000  # how many numbers of 16 bits there are
_numbers: list[int] = []


def unforeseen_16_bits() -> int:
    """Return a number below 65,536."""
    try:
        return _numbers.pop()
    except IndexError:
        _numbers.extend(array.array("H", os.urandom(2 * _PORTION)))
        return unforeseen_16_bits()


def unforeseen_below(limit: int) -> int:
    """Return a number below a limit of at most 65,536; each is as likely as the others."""
    fair = _ALL - _ALL % limit
    while (number := unforeseen_16_bits()) >= fair:
        pass
    return number % limit


os.register_at_fork(after_in_child=_numbers.clear)  # two processes must not use the same ones
