"""Reception of request bodies, before Flask handles the request.

If tokens are required, a body without a token must not use up the space for other bodies: clients without permission
could otherwise prevent operators from submitting batches. Bodies with a valid token therefore have their own space. All
other bodies share a second space: public requests, and requests with a session, which only a thread can look up.
"""

import asyncio
import io
import tempfile
from typing import IO, Any

from gonemaster_api.auth.keyring import Keyring
from gonemaster_api.auth.sessions import COOKIE
from gonemaster_api.server.refusals import REQUEST_TIMEOUT, TOO_MANY_BODIES, Refused
from gonemaster_api.web.authentication import bearer_of
from gonemaster_api.web.body_limits import BODY_IS_CUT, body_limit
from gonemaster_tasks.config.settings import Settings

_WITHOUT_TOKEN = 64 * 1024
_IN_MEMORY = 64 * 1024  # bytes of a body; the rest is stored in a temporary file
_LARGEST_BODIES = 4  # bodies of the largest size that fit in temporary files at the same time


class ClientGone(Exception):
    """The client has closed the connection."""


class Space:
    """The number of bytes that all bodies being received and handled may occupy together."""

    def __init__(self, limit: int) -> None:
        self.free = limit

    def take(self, size: int) -> None:
        """Reserve bytes for a body. Raises Refused if not enough space is free."""
        if size > self.free:
            raise Refused(TOO_MANY_BODIES)
        self.free -= size


class Body:
    """The body of a request in a file; `close` releases its space."""

    def __init__(self, space: Space) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - see close
        self.size = 0
        self._space = space

    def write(self, piece: bytes) -> None:
        """Append a piece. Raises Refused."""
        self._space.take(len(piece))
        self.size += len(piece)
        self.file.write(piece)

    def close(self) -> None:
        """Close the file and release the space."""
        self.file.close()
        self._space.free += self.size
        self.size = 0


class Bodies:
    """Receiver of the bodies of all requests of a process."""

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._settings = settings
        self._keyring = keyring
        largest = max(settings.max_body_size, settings.max_batch_body_size)
        self._known = Space(_LARGEST_BODIES * largest)
        self._others = Space(largest)

    async def receive(self, environ: dict[str, Any], receive: Any) -> Body | None:
        """Receive the body and set the input of a request.

        Bodies that are too long are not received; the application refuses them.

        Raises:
            Refused: the body did not arrive in time, or there is no space for it.
            ClientGone: the client closed the connection before the end of the body.
        """
        environ["wsgi.input"] = io.BytesIO()
        is_chunked = environ.pop("HTTP_TRANSFER_ENCODING", None) is not None
        length = int(environ.get("CONTENT_LENGTH") or 0)
        if not length and not is_chunked:
            return None
        longest, space, is_cut = self.room(environ)
        environ[BODY_IS_CUT] = is_cut and length > longest
        if length > longest:
            return None
        body = Body(space)
        try:
            async with asyncio.timeout(self._settings.read_timeout.total_seconds()):
                await _fill(body, receive, longest)
        except BaseException as error:
            body.close()
            if isinstance(error, TimeoutError):
                raise Refused(REQUEST_TIMEOUT) from error
            if isinstance(error, OSError):  # no file descriptor or disk space for a temporary file
                raise Refused(TOO_MANY_BODIES) from error
            raise
        body.file.seek(0)
        environ["wsgi.input"] = body.file
        environ["CONTENT_LENGTH"] = str(body.size)
        environ[BODY_IS_CUT] = is_cut and body.size > longest
        return body

    def room(self, environ: dict[str, Any]) -> tuple[int, Space, bool]:
        """Return the maximum length of the body, its space, and whether the application would accept a longer body.

        A request that will be refused for its token may only send a small body. The application returns the error.
        """
        path = environ["PATH_INFO"]
        longest = body_limit(self._settings, path)
        mode = self._keyring.known_mode
        if mode == "open" or self._keyring.has(bearer_of(environ.get("HTTP_AUTHORIZATION", ""))):
            return longest, self._known, False
        has_session = f"{COOKIE}=" in environ.get("HTTP_COOKIE", "")
        if mode == "token" and path.startswith("/api/") and not has_session and longest > _WITHOUT_TOKEN:
            return _WITHOUT_TOKEN, self._others, True
        return longest, self._others, False


async def _fill(body: Body, receive: Any, longest: int) -> None:
    """Receive a body, up to one byte more than the limit.

    The extra byte shows the application that the body is too long.
    """
    more = True
    while more and body.size <= longest:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientGone
        body.write(message.get("body", b"")[: longest + 1 - body.size])
        more = message.get("more_body", False)
