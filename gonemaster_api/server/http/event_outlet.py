"""The outlet of a viewer: a connection whose response has begun, and that the hub of live events writes on."""

from collections.abc import Callable

from gonemaster_api.live.texts import Piece
from gonemaster_api.server.http.responses import ResponseBuffer

_LAST_CHUNK = b"0\r\n\r\n"  # RFC 9112 section 7.1


class EventOutlet:
    """Sends pieces, in chunks if the response has them (HTTP/1.1), else until the connection is closed.

    `ended` is called when the last piece was given; the connection then sends what waits and closes.
    """

    def __init__(self, output: ResponseBuffer, *, chunked: bool, ended: Callable[[], None]) -> None:
        self._output = output
        self._chunked = chunked
        self._ended = ended
        self.finished = False

    @property
    def ready(self) -> bool:
        """Whether the client has taken all that was sent, as far as the kernel takes it."""
        return not self._output.size

    def send(self, piece: Piece) -> bool:
        """Send a piece; False if the client is gone."""
        return self._output.offer(piece.chunk if self._chunked else piece.raw)

    def end(self, piece: Piece) -> None:
        """Send the last piece and what ends the response."""
        self.finished = True
        last = piece.chunk + _LAST_CHUNK if self._chunked else piece.raw
        if last:
            self._output.offer(last)
        self._ended()
