"""Event streams (HTML standard, section 9.2): parser, and continuation after an interruption."""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from gonemaster_client.errors import ClientError, Interrupted, UnexpectedResponse
from gonemaster_client.responses import Answer, document_of
from gonemaster_client.retries import Retries

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


class Event(NamedTuple):
    """An event of a job or batch."""

    kind: str
    data: dict[str, Any]
    id: str = ""


class Following:
    """The state of a stream over several connections: the last event, and the failures since then."""

    def __init__(self, retries: Retries) -> None:
        self._retries, self._failures, self._pause_s = retries, 0, 0.0
        self._buffer, self._last_id, self.is_over = b"", "", False

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers of the next connection."""
        return {"Accept": "text/event-stream", **({"Last-Event-ID": self._last_id} if self._last_id else {})}

    def opened(self, answer: Answer) -> None:
        """Check the head of a response. 204 means that this client has received the last event.

        Raises:
            ClientError: an error document, or a response that is no stream.
        """
        self._buffer, self.is_over = b"", answer.status == 204
        kind = answer.headers.get("content-type", "")
        if answer.status >= 300 or not (self.is_over or kind.startswith("text/event-stream")):
            document_of(answer)
            raise UnexpectedResponse(f"{answer.url} sends {kind or 'no content type'} instead of events")

    def feed(self, piece: bytes) -> Iterator[Event]:
        """Yield the events that a piece of the stream completes."""
        *blocks, self._buffer = _BLANK_LINE.split(self._buffer + piece)
        for block in blocks:
            event = self._read(block.decode("utf-8", "replace"))
            if event:
                self._failures = 0
                self.is_over = event.kind == "done"
                yield event

    def _read(self, block: str) -> Event | None:
        fields: dict[str, str] = {}
        for line in re.split("\r?\n", block):  # str.splitlines would also split at U+2028 inside of a text
            name, _, value = line.partition(":")
            fields[name] = f"{fields[name]}\n{value.removeprefix(' ')}" if name in fields else value.removeprefix(" ")
        if fields.get("retry", "").isdecimal():
            self._pause_s = int(fields["retry"]) / 1000
        if not fields.get("data"):
            return None
        self._last_id = fields.get("id", self._last_id)
        return Event(fields.get("event", "message"), json.loads(fields["data"]), self._last_id)

    def pause_s(self, error: ClientError | None) -> float:
        """Return the seconds until the next connection, after an error or the end of a connection.

        Raises:
            ClientError: the error is final, or too many connections failed one after the other.
        """
        wanted = self._retries.pause_s(
            error or Interrupted("the event stream ended early"), self._failures, is_repeatable=True
        )
        if wanted is None or self._failures >= self._retries.stream_count:
            raise error or Interrupted("the event stream ends again and again without its last event")
        self._failures += 1
        return min(self._pause_s, self._retries.max_pause_s) if error is None and self._failures == 1 else wanted
