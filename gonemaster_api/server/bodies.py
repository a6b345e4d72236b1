"""Reception of request bodies, before Flask handles the request.

If tokens are required, a body without a token must not use up the space for other bodies: clients without permission
could otherwise prevent operators from submitting batches. Bodies with a valid token therefore have their own space. All
other bodies share a second space: public requests, and requests with a session, which only a thread can look up.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gonemaster_api.auth.keyring import Keyring
from gonemaster_api.auth.sessions import COOKIE
from gonemaster_api.errors import Unavailable
from gonemaster_api.server.connection import timed_out
from gonemaster_api.web.authentication import bearer_of
from gonemaster_api.web.body_limits import BODY_IS_CUT, body_limit
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.settings import Settings

_WITHOUT_TOKEN = 64 * 1024
_IN_MEMORY = 64 * 1024  # bytes of a body; the rest is stored in a temporary file
_LARGEST_BODIES = 4  # bodies of the largest size that fit in temporary files at the same time


class Space:
    """The number of bytes that all bodies being received and handled may occupy together."""

    def __init__(self, limit: int) -> None:
        self.free = limit


class Bodies:
    """Receiver of the bodies of all requests of a process."""

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._settings = settings
        self._keyring = keyring
        largest = max(settings.max_body_size, settings.max_batch_body_size)
        self._known = Space(_LARGEST_BODIES * largest)
        self._others = Space(largest)

    @asynccontextmanager
    async def received(self, scope: dict[str, Any], environ: dict[str, Any], receive: Any) -> AsyncIterator[None]:
        """Receive a body for the application, which is available in the context.

        The application gets at most one byte more than the limit, and so detects that the body is too long.

        Raises:
            ApiError: the request is refused.
            RuntimeError: the client has closed the connection.
        """
        length = int(environ.get("CONTENT_LENGTH") or 0)
        limit, space, is_cut = self.room(environ)
        more, size = 0 < length <= limit or "HTTP_TRANSFER_ENCODING" in environ, 0
        try:
            with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
                try:
                    async with asyncio.timeout(self._settings.read_timeout.total_seconds()):
                        while more and size <= limit and not scope["refusal"]:
                            message = await receive()
                            if message["type"] != "http.request":
                                raise RuntimeError("the client has closed the connection")
                            piece = message["body"][: limit + 1 - size]
                            if len(piece) > space.free:
                                raise OSError("as for a full disk")
                            space.free -= len(piece)
                            size += file.write(piece)
                            more = message["more_body"]
                    file.seek(0)
                except TimeoutError:
                    raise timed_out() from None
                except OSError:  # no descriptor or disk space for a temporary file
                    raise Unavailable("too_many_bodies", Text("too many large bodies are being received")) from None
                if scope["refusal"]:
                    raise scope["refusal"]
                environ |= {"wsgi.input": file, BODY_IS_CUT: is_cut and max(length, size) > limit}
                if environ.pop("HTTP_TRANSFER_ENCODING", None):
                    environ["CONTENT_LENGTH"] = str(size)
                yield
        finally:
            space.free += size

    def room(self, environ: dict[str, Any]) -> tuple[int, Space, bool]:
        """Return the maximum length of the body, its space, and whether the application would accept a longer body.

        A request that will be refused for its token may only send a small body. The application returns the error.
        """
        path = environ["PATH_INFO"]
        limit = body_limit(self._settings, path)
        mode = self._keyring.known_mode
        if mode == "open" or self._keyring.has(bearer_of(environ.get("HTTP_AUTHORIZATION", ""))):
            return limit, self._known, False
        has_session = f"{COOKIE}=" in environ.get("HTTP_COOKIE", "")
        if mode == "token" and path.startswith("/api/") and not has_session and limit > _WITHOUT_TOKEN:
            return _WITHOUT_TOKEN, self._others, True
        return limit, self._others, False
