"""Environment variables, and the tokens that `login` stores in the configuration folder of the user."""

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from gonemaster_client.server import DEFAULT_SERVER, root_of

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def server_url(given: str | None) -> str:
    """Return the URL of the server: the option, GONEMASTER_URL, or the default."""
    return given or os.environ.get("GONEMASTER_URL") or DEFAULT_SERVER


def token_for(server: str, given: str | None) -> str:
    """Return the token for a server: the option, GONEMASTER_TOKEN, or the stored one; empty if there is none.

    Raises:
        ValueError: the file of tokens is not valid, or other users can read it.
    """
    return given or os.environ.get("GONEMASTER_TOKEN") or _read().get(root_of(server), "")


def tokens_file() -> Path:
    """Return the path of the file with the stored tokens."""
    folder = os.environ.get("XDG_CONFIG_HOME") or (os.environ.get("APPDATA") if os.name == "nt" else None)
    return (Path(folder) if folder else Path.home() / ".config") / "gonemaster" / "tokens.json"


def store_token(server: str, token: str) -> Path:
    """Store the token of a server, or delete it if it is empty; only the user can read the file."""
    file, tokens = tokens_file(), _read()
    tokens[root_of(server)] = token
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        # The mode is set when the file is created, so that no other user can open it before.
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as output:  # noqa: PTH123
            json.dump({url: each for url, each in tokens.items() if each}, output, indent=2)
        new.replace(file)
    finally:
        with suppress(FileNotFoundError):
            new.unlink()
    return file


def _read() -> dict[str, str]:
    file = tokens_file()
    try:
        if os.name != "nt" and file.stat().st_mode & _OTHERS:
            raise ValueError(f"{file} must be readable only by its owner: chmod 600 {file}")
        tokens: Any = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            raise ValueError(f"{file} is not valid JSON: delete the file, and log in again") from None
        raise
    if not isinstance(tokens, dict) or not all(isinstance(each, str) for each in tokens.values()):
        raise ValueError(f"{file} is not an object of tokens: delete the file, and log in again")
    return tokens
