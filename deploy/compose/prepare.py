#!/usr/bin/env python3
"""Write the files for compose.yaml: passwords, tokens, settings and the host name.

    python3 prepare.py [--host dns.example] [--bind 0.0.0.0]

The program needs only Python. It can be repeated, because it keeps existing files in secrets/: with a new password the
service could not log in to its database. The admin token is printed once and not stored; the settings contain its hash.
"""

import argparse
import hashlib
import json
import re
import secrets
from pathlib import Path

HERE = Path(__file__).resolve().parent
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def main() -> None:
    """Write the missing files and print the admin token."""
    parser = argparse.ArgumentParser(description="Write the secrets and settings for compose.yaml.")
    parser.add_argument("--host", default="localhost", type=host_name, help="host name of the service")
    parser.add_argument("--bind", default="127.0.0.1", help="local address on which the proxy listens")
    parser.add_argument("--directory", type=Path, default=HERE, help=argparse.SUPPRESS)
    given = parser.parse_args()
    admin = prepare(given.directory, host=given.host, bind=given.bind)
    print(f"settings and secrets are in {given.directory / 'secrets'}")
    if admin:
        print(f"admin token, shown only now: {admin}")


def host_name(text: str) -> str:
    """Return a host name (A-labels) in lower case. Raises ArgumentTypeError."""
    if not _HOST.fullmatch(text.lower()):
        raise argparse.ArgumentTypeError(f"{text[:80]!r} is not a host name")
    return text.lower()


def prepare(directory: Path, *, host: str, bind: str) -> str | None:
    """Write the missing files, and return the admin token if it is new."""
    folder = directory / "secrets"
    # Only the owner can open the folder. Each file is readable for all users, because containers mount single files and
    # run as other users.
    folder.mkdir(mode=0o700, exist_ok=True)
    broker_password = _kept(folder / "redis_password")
    store_password = _kept(folder / "postgres_password")
    _kept(folder / "grafana_password")
    metrics_token = _kept(folder / "metrics_token", prefix="gm_")
    _write(folder / "redis.conf", _redis(broker_password))
    _write(directory / ".env", f"GONEMASTER_HOST={host}\nGONEMASTER_BIND={bind}\n")
    if (folder / "gonemaster.json").exists():
        return None
    admin = _token("gm_")
    settings = {
        "broker_url": f"redis://:{broker_password}@redis:6379/0",
        "database": {"driver": "postgres", "dsn": f"postgresql://gonemaster:{store_password}@postgres/gonemaster"},
        "auth": {
            "admin_tokens": [
                {"label": "admin", "hash": _digest(admin)},
                {"label": "prometheus", "hash": _digest(metrics_token), "scopes": ["read"]},
            ]
        },
    }
    _write(folder / "gonemaster.json", json.dumps(settings, indent=2) + "\n")
    return admin


def _redis(password: str) -> str:
    lines = (
        "bind * -::*",
        "protected-mode yes",
        "dir /data",
        "appendonly yes",
        "appendfsync everysec",
        "maxmemory 1500mb",
        "maxmemory-policy noeviction",
        f"requirepass {password}",
    )
    return "\n".join(lines) + "\n"


def _kept(path: Path, *, prefix: str = "") -> str:
    """Return the secret in a file; create the file if it is missing."""
    if not path.exists():
        _write(path, _token(prefix))
    return path.read_text(encoding="ascii").strip()


def _token(prefix: str) -> str:
    return prefix + secrets.token_urlsafe(32)


def _digest(token: str) -> str:
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)


if __name__ == "__main__":
    main()
