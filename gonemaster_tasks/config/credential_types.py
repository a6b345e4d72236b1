"""Types of options that hold credentials."""

import re
from dataclasses import dataclass

from gonemaster_tasks.config.option_types import OptionType, split_list

_TOKEN_HASH = re.compile(r"(?:(?P<label>[^=:,]{1,64})=)?(?P<hash>sha256:[0-9a-fA-F]{64})")


@dataclass(frozen=True)
class AdminToken:
    """An admin token as it is stored: the digest, never the token."""

    label: str
    hash: str
    scopes: tuple[str, ...] = ()


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
    """Accept token digests: {label, hash, scopes} in JSON, or `label=sha256:<hex>` separated by commas."""

    def parse(raw: object) -> tuple[AdminToken, ...]:
        entries = raw.split(",") if isinstance(raw, str) else raw
        if not isinstance(entries, list | tuple):
            raise ValueError
        return tuple(_admin_token(entry) for entry in entries if entry not in ("", None))

    allowed = "a list of {label, hash, scopes}, or label=sha256:<64 hex digits> separated by commas"
    return OptionType(parse, allowed, "array")


def _admin_token(entry: object) -> AdminToken:
    if isinstance(entry, AdminToken):
        return entry
    if isinstance(entry, str):
        found = _TOKEN_HASH.fullmatch(entry.strip())
        if not found:
            raise ValueError
        return AdminToken(label=found["label"] or "", hash=found["hash"].lower())
    if not isinstance(entry, dict) or not set(entry) <= {"label", "hash", "scopes"}:
        raise ValueError
    bare = _admin_token(str(entry.get("hash", "")))
    return AdminToken(str(entry.get("label", "")), bare.hash, split_list(entry.get("scopes", [])))
