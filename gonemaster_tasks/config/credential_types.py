"""Option types for credentials."""

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gonemaster_tasks.config.option_types import OptionType, split_list

LABEL_RULE = "1 to 64 characters other than = : , and control characters, without space at the ends"
_LABEL = r"[^\s=:,\x00-\x1f\x7f](?:[^=:,\x00-\x1f\x7f]{0,62}[^\s=:,\x00-\x1f\x7f])?"
_TOKEN_HASH = re.compile(
    rf"(?:(?P<label>{_LABEL})?(?::(?P<scopes>[a-z]+(?:\+[a-z]+)*))?=)?(?P<hash>sha256:[0-9a-fA-F]{{64}})"
)


class Scope(enum.StrEnum):
    """The permissions of a token; each scope includes the scopes before it."""

    READ = "read"  # read jobs, results, queue, analysis
    OPERATE = "operate"  # also submit, cancel, pause, reorder, tag, schedule
    ADMIN = "admin"  # also change settings and profiles, delete, purge

    def includes(self, other: "Scope") -> bool:
        """Return whether this scope includes another scope."""
        order = list(Scope)
        return order.index(self) >= order.index(other)


def widest(scopes: Sequence[str]) -> Scope:
    """Return the widest of several scopes; a token without scopes allows everything. Raises ValueError if unknown."""
    found = [Scope(scope) for scope in scopes]
    return max(found, key=list(Scope).index) if found else Scope.ADMIN


@dataclass(frozen=True)
class AdminToken:
    """A stored admin token: only the digest, never the token."""

    label: str
    hash: str
    scopes: tuple[str, ...] = ()


def is_label(text: str) -> bool:
    """Return whether a text is a valid token label; it must fit into `label:scopes=hash`."""
    return re.fullmatch(_LABEL, text) is not None and text.isprintable()


def login() -> OptionType:
    """Accept `user:password`; an empty string means none."""

    def parse(raw: object) -> str:
        if not isinstance(raw, str):
            raise ValueError
        user, _, password = raw.partition(":")
        if raw and not (user and password):
            raise ValueError
        return raw

    return OptionType(parse, "user:password")


def token_hashes() -> OptionType:
    """Accept token digests: {label, hash, scopes} in JSON, or `label:scopes=sha256:<hex>` separated by commas."""

    def parse(raw: object) -> tuple[AdminToken, ...]:
        entries = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(entries, list | tuple):
            raise ValueError
        return tuple(_admin_token(entry) for entry in entries if entry not in ("", None))

    allowed = (
        "a list of {label, hash, scopes}, or label=sha256:<64 hex digits> separated by commas, "
        "with scopes label:read=..., label:operate=..., label:admin=..."
    )
    return OptionType(parse, allowed, "array")


def _admin_token(entry: object) -> AdminToken:
    if isinstance(entry, AdminToken):
        return entry
    if isinstance(entry, str):
        found = _TOKEN_HASH.fullmatch(entry.strip())
        if not found:
            raise ValueError
        scopes = found["scopes"].split("+") if found["scopes"] else []
        return _checked(found["label"] or "", found["hash"].lower(), scopes)
    if not isinstance(entry, dict) or not set(entry) <= {"label", "hash", "scopes"}:
        raise ValueError
    bare = _admin_token(str(entry.get("hash", "")))
    return _checked(str(entry.get("label", "")), bare.hash, split_list(entry.get("scopes", [])))


def _checked(label: str, digest: str, scopes: Sequence[str]) -> AdminToken:
    if label and not is_label(label):
        raise ValueError
    widest(scopes)
    return AdminToken(label, digest, tuple(scopes))
