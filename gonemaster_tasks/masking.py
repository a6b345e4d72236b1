"""Masking of passwords in texts for users."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

MASK = "***"
_SHORTEST = 4  # A shorter password would mask large parts of the log.
# A password may contain any character except those that end the user part, so it extends to the last @ of its URL;
# in a list of Sentinels each URL begins after a semicolon. URLs without an @ are matched, too, so that the pattern
# scans each URL only once.
_URL_PASSWORD = re.compile(r"(://[^:@/?#;]*:)(?:((?:(?!;\w+://).)*)@|(?:(?!;\w+://).)*+)")
_KEYWORD_PASSWORD = re.compile(r"(\b(?:ssl|sentinel_)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)")
# In running text the URL ends at a space or a quote.
_URL_PASSWORD_IN_TEXT = re.compile(r"""(://[^:@/?#;\s'"]*:)(?:([^\s'"]*)@|[^\s'"]*+)""")


def mask_password(dsn: str) -> str:
    """Replace the passwords in URLs or in a libpq connection string with asterisks."""
    return _KEYWORD_PASSWORD.sub(rf"\1{MASK}", _URL_PASSWORD.sub(_masked, dsn))


def _masked(url: re.Match[str]) -> str:
    return url[0] if url[2] is None else f"{url[1]}{MASK}@"


def passwords_in(dsn: str) -> Iterator[str]:
    """Yield the passwords in URLs or in a libpq connection string, as written and as sent."""
    found = [match[2] for match in _URL_PASSWORD.finditer(dsn) if match[2] is not None]
    found += [match[2].strip("'") for match in _KEYWORD_PASSWORD.finditer(dsn)]
    for password in found:
        yield from {password, unquote(password)}


class Masking:
    """Masks known passwords anywhere in a text, and passwords in URLs."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, text: str) -> str:
        """Return the text with its passwords masked."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if "://" in text:
            text = _URL_PASSWORD_IN_TEXT.sub(_masked, text)
        return _KEYWORD_PASSWORD.sub(rf"\1{MASK}", text) if "password" in text else text
