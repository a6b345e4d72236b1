"""How much of a request's body is received, before a thread looks at the request.

Where tokens are needed, a body without one must not take the space of others: whoever may not send it could keep
operators from submitting batches. So bodies with a valid token have space of their own. All others share another one:
public requests, and sessions, which only a thread can look up.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from gonemaster_api.auth.keyring import Keyring
from gonemaster_api.auth.sessions import COOKIE
from gonemaster_api.server.http.requests import Room, Spool
from gonemaster_api.web.authentication import bearer_of
from gonemaster_api.web.body_limits import body_limit
from gonemaster_tasks.config.settings import Settings

_WITHOUT_TOKEN = 64 * 1024
_GATED = "/api/"


@dataclass(frozen=True)
class BodyAdmission:
    """Gives each request its room; `known` is the space of those that are known to be allowed to send."""

    settings: Settings
    known: Spool
    others: Spool

    def room(self, request: Any, keyring: Keyring) -> Room:
        """Return the room of a request of which the head has come.

        What is refused for its token anyway gets no more than a small body; the application says why.
        """
        path = unquote(request.path)
        longest = body_limit(self.settings, path)
        headers = {name: value for name, value in request.headers if name in ("AUTHORIZATION", "COOKIE")}
        mode = keyring.known_mode
        if mode == "open" or keyring.has(bearer_of(headers.get("AUTHORIZATION", ""))):
            return Room(longest, self.known)
        needs_token = mode == "token" and path.startswith(_GATED) and f"{COOKIE}=" not in headers.get("COOKIE", "")
        if needs_token and longest > _WITHOUT_TOKEN:
            return Room(_WITHOUT_TOKEN, self.others, is_cut=True)
        return Room(longest, self.others)
