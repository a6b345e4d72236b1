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
from gonemaster_api.web.body_limits import BODY_IS_CUT, body_limit, largest_body
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.settings import Settings

_SMALL = 64 * 1024  # bytes of a body that are kept in memory, and that a client without a token may send


class Bodies:
    """Receiver of the bodies of all requests of a process."""

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._settings, self._keyring = settings, keyring
        # Bytes of temporary files for bodies with a token, and for others.
        unknown = max(settings.max_body_size, settings.max_batch_body_size)
        self._free = {True: 4 * largest_body(settings), False: unknown}

    @asynccontextmanager
    async def received(self, scope: dict[str, Any], environ: dict[str, Any], receive: Any) -> AsyncIterator[None]:
        """Receive a body for the application, which is available in the context.

        The application gets at most one byte more than the limit, and so detects that the body is too long.

        Raises:
            ApiError: the request is refused.
            RuntimeError: the client has closed the connection.
        """
        length = int(environ.get("CONTENT_LENGTH") or 0)
        limit, is_known, is_cut = self.room(environ)
        more, size = 0 < length <= limit or "HTTP_TRANSFER_ENCODING" in environ, 0
        try:
            with tempfile.SpooledTemporaryFile(_SMALL) as file:
                try:
                    async with asyncio.timeout(self._settings.read_timeout.total_seconds()):
                        while more and size <= limit and not scope["refusal"]:
                            message = await receive()
                            if message["type"] != "http.request":
                                raise RuntimeError("the client has closed the connection")
                            piece = message["body"][: limit + 1 - size]
                            if len(piece) > self._free[is_known]:
                                raise OSError("as for a full disk")
                            self._free[is_known] -= len(piece)
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
            self._free[is_known] += size

    def room(self, environ: dict[str, Any]) -> tuple[int, bool, bool]:
        """Return the maximum length of the body, whether it has a valid token, and whether it may have been cut.

        A request that will be refused for its token may only send a small body. The application returns the error.
        """
        path, mode = environ["PATH_INFO"], self._keyring.known_mode
        limit = body_limit(self._settings, path)
        is_known = mode == "open" or self._keyring.has(bearer_of(environ.get("HTTP_AUTHORIZATION", "")))
        may_be_known = is_known or f"{COOKIE}=" in environ.get("HTTP_COOKIE", "")
        is_cut = mode == "token" and path.startswith("/api/") and not may_be_known and limit > _SMALL
        return _SMALL if is_cut else limit, is_known, is_cut
