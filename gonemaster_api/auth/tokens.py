"""The format of tokens, sessions and their digests."""

import hashlib
import re
import secrets

PREFIX = "gm_"
_OCTETS = 32
# Shorter tokens could be guessed. A configuration that contains the digest of a password therefore grants no login.
_TOKEN = re.compile(r"gm_[A-Za-z0-9_-]{32,256}")
_SESSION = re.compile(r"[A-Za-z0-9_-]{43}")
_ID_DIGITS = 12


def new_token() -> str:
    """Return a token with 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_OCTETS)


def new_session() -> str:
    """Return a session cookie value with 256 random bits."""
    return secrets.token_urlsafe(_OCTETS)


def is_token(text: str) -> bool:
    """Return whether a text has the format of a token."""
    return _TOKEN.fullmatch(text) is not None


def is_session(text: str) -> bool:
    """Return whether a text has the format of a session cookie."""
    return _SESSION.fullmatch(text) is not None


def digest_of(secret: str) -> str:
    """Return the stored form of a token or session: `sha256:` and 64 hexadecimal digits.

    Salt and stretching are not needed for 256 random bits.
    """
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()


def user_digest(name: str, key: str) -> str:
    """Return the stored form of the key of a batch user; two users may choose the same key."""
    return digest_of(f"{name} {key}")


def token_id(digest: str) -> str:
    """Return the short id by which operators identify a token. It does not reveal the token."""
    return digest.removeprefix("sha256:")[:_ID_DIGITS]
