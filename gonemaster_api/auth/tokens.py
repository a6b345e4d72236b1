"""The form of tokens and sessions, and of their digests."""

import hashlib
import re
import secrets

PREFIX = "gm_"
_OCTETS = 32
# Shorter ones could be guessed: whoever writes the digest of a password into a configuration gets no login by it.
_TOKEN = re.compile(r"gm_[A-Za-z0-9_-]{32,256}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")
_ID_DIGITS = 12


def new_token() -> str:
    """Return a token with 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_OCTETS)


def new_session() -> str:
    """Return the value of a session cookie, with 256 random bits."""
    return secrets.token_urlsafe(_OCTETS)


def is_token(text: str) -> bool:
    """Return whether a text has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def is_session(text: str) -> bool:
    """Return whether a text has the form of a session cookie."""
    return _SESSION.fullmatch(text) is not None


def digest_of(secret: str) -> str:
    """Return the stored form of a token or session: `sha256:` and 64 hexadecimal digits.

    Without salt and stretching: 256 random bits need neither.
    """
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()


def token_id(digest: str) -> str:
    """Return the short name by which operators tell tokens apart; it leads nobody to the token."""
    return digest.removeprefix("sha256:")[:_ID_DIGITS]
