"""Identifiers: opaque, sortable by creation time, or unguessable."""

import secrets
import string
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import count

# ASCII order, so that strings sort like numbers
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_TIME_DIGITS = 9  # microseconds in base 62 fit into nine digits until the year 2398
_RANDOM_DIGITS = 10  # 59 bits, which avoid collisions of two processes within one microsecond
_PUBLIC_DIGITS = 12  # 71 bits, all random
_OLD_PUBLIC_DIGITS = 8
_TESTS = 2**64  # number of test IDs
_BULK_DIGITS = 5
_PAIR_DIGITS = 2
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_MAX_ID = 64
_KEY_DIGITS = _TIME_DIGITS + 2
# The digits give an unsigned number, which fits into the signed integers of databases until the year 2122.
_KEY_OFFSET = 2**63
_VALUES = {digit: value for value, digit in enumerate(_ALPHABET)}


def new_job_id() -> str:
    """Return `job_` and 19 characters that sort by creation time."""
    return "job_" + _sortable()


def is_job_id(text: str) -> bool:
    """Return whether a string has the form of a job ID."""
    return len(text) <= _MAX_ID and text.startswith("job_") and text.isascii() and text[4:].isalnum()


def created_at(job_id: str) -> float | None:
    """Return when a job ID was generated (POSIX seconds of the generating host), or None for any other form."""
    digits = job_id.removeprefix("job_")
    if len(digits) != _TIME_DIGITS + _RANDOM_DIGITS or any(digit not in _VALUES for digit in digits):
        return None
    number = 0
    for digit in digits[:_TIME_DIGITS]:
        number = 62 * number + _VALUES[digit]
    return number / 1_000_000


def new_batch_id() -> str:
    """Return `batch_` and 19 characters that sort by creation time."""
    return "batch_" + _sortable()


def batch_key(batch_id: str) -> int:
    """Return the integer key of a batch: the first 11 digits of its ID, so that keys sort like IDs.

    Two IDs may have the same key (1 in 3844 within one microsecond), which the primary key of batches refuses.

    Raises: ValueError: The string is not a batch ID.
    """
    digits = batch_id.removeprefix("batch_")[:_KEY_DIGITS]
    number = 0
    for digit in digits:
        if digit not in _VALUES:
            raise ValueError(f"not a batch ID: {batch_id!r}")
        number = 62 * number + _VALUES[digit]
    key = number - _KEY_OFFSET
    if len(digits) < _KEY_DIGITS or not batch_id.startswith("batch_") or not -_KEY_OFFSET <= key < _KEY_OFFSET:
        raise ValueError(f"not a batch ID: {batch_id!r}")
    return key


def new_upload_id() -> str:
    """Return `upload_` and 19 characters that sort by creation time."""
    return "upload_" + _sortable()


def new_operation_id() -> str:
    """Return `op_` and 19 characters that sort by creation time."""
    return "op_" + _sortable()


def new_rst_check_id() -> str:
    """Return `rst_` and 19 characters that sort by creation time."""
    return "rst_" + _sortable()


def new_delivery_id() -> str:
    """Return `dlv_` and 19 characters that sort by creation time."""
    return "dlv_" + _sortable()


def new_public_id() -> str:
    """Return twelve random base-62 characters, for public links; never a value that is also a test ID."""
    return _base62(_TESTS + secrets.randbelow(62**_PUBLIC_DIGITS - _TESTS), _PUBLIC_DIGITS)


def new_test_id() -> str:
    """Return 16 random hexadecimal digits: the test ID of the JSON-RPC API, another form of a public ID."""
    return f"{secrets.randbelow(_TESTS):016x}"


def public_id_of_test(test_id: str) -> str:
    """Return the public ID that has the same value as a test ID of 16 hexadecimal digits."""
    return _base62(int(test_id, 16), _PUBLIC_DIGITS)


def id_of_test(public_id: str | None) -> str | None:
    """Return the test ID with the same value as a public ID; None if the value does not fit into 64 bits."""
    if public_id is None or len(public_id) != _PUBLIC_DIGITS or public_id > LAST_TEST:
        return None
    number = 0
    for digit in public_id:
        number = 62 * number + _VALUES[digit]
    return f"{number:016x}"


def is_public_id(text: str) -> bool:
    """Return whether a string has the form of a public ID: twelve characters, or eight for old links."""
    return len(text) in (_PUBLIC_DIGITS, _OLD_PUBLIC_DIGITS) and text.isascii() and text.isalnum()


def job_ids() -> Iterator[str]:
    """Generate an endless series of ordered job IDs for bulk insertion, much faster than `new_job_id`."""
    prefix = "job_" + _sortable()
    for front in count():
        start = prefix + _base62(front, _BULK_DIGITS - _PAIR_DIGITS)
        for pair in _PAIRS:
            yield start + pair


def id_at(prefix: str, moment: datetime, number: int) -> str:
    """Return a deterministic ID `<prefix>_...` for a time and a number, for reproducible data."""
    microseconds = round(moment.timestamp() * 1_000_000)
    return f"{prefix}_{_base62(microseconds, _TIME_DIGITS)}{_base62(number % 62**_RANDOM_DIGITS, _RANDOM_DIGITS)}"


def _sortable() -> str:
    return _base62(time.time_ns() // 1000, _TIME_DIGITS) + _random(_RANDOM_DIGITS)


def _random(digits: int) -> str:
    return _base62(secrets.randbelow(62**digits), digits)


def _base62(number: int, digits: int) -> str:
    text = []
    for _ in range(digits):
        number, digit = divmod(number, 62)
        text.append(_ALPHABET[digit])
    return "".join(reversed(text))


LAST_TEST = public_id_of_test("f" * 16)  # the greatest public ID that has a test ID
