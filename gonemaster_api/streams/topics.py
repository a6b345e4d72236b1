"""Topics that clients can watch: the latest texts of a job or batch, created once for all viewers."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gonemaster_api.streams.texts import END_ID, counts_id, counts_text, done_text, event_texts, is_finished
from gonemaster_tasks.broker.events import JobEvent

_KEPT = 100  # events of a job in memory; earlier events are in Redis
_LAST_ID = f"{2**64}-0"  # greater than any id of Redis


@dataclass(eq=False)
class Viewer:
    """An open event stream. `is_over` returns whether the stream must end; `after` is the id of the last event sent."""

    is_over: Callable[[], bool]
    after: str
    sent_at: float = 0.0
    is_quiet: bool = False
    woken: asyncio.Event = field(default_factory=asyncio.Event)


class Topic:
    """The texts of one job or batch with their ids; the newest is last."""

    def __init__(self, kept: int) -> None:
        self.viewers: set[Viewer] = set()
        self.has_ended = False
        self.texts: deque[tuple[str, bytes]] = deque(maxlen=kept)

    def wake(self) -> None:
        """Wake the viewers, so that they check for new texts."""
        for viewer in self.viewers:
            viewer.woken.set()


class JobTopic(Topic):
    """The newest events of a job up to `cursor`; all events after `floor` are in memory."""

    def __init__(self) -> None:
        super().__init__(_KEPT)
        self.floor = self.cursor = "0"

    def add(self, events: Sequence[JobEvent]) -> None:
        """Add events that were read after the cursor."""
        for event in events:
            if len(self.texts) == _KEPT:
                self.floor = self.texts[0][0]
            self.texts.append((event.id, event_texts([event]).encode()))
            self.cursor = event.id
            if event.type == "done":
                self.has_ended = True
                break
        self.wake()

    def end(self, status: str) -> None:
        """Add the end of the job according to the database, because the event was lost."""
        if not self.has_ended:
            self.texts.append((_LAST_ID, done_text(status).encode()))
            self.has_ended = True
            self.wake()

    def has_all_for(self, viewer: Viewer) -> bool:
        """Return whether all events after the position of a viewer are in memory."""
        return position_of(viewer.after) >= position_of(self.floor)

    async def next(self, viewer: Viewer) -> bytes:
        """Return the texts after the position of a viewer, and advance the viewer."""
        position, found = position_of(viewer.after), []
        for identity, text in reversed(self.texts):
            if position_of(identity) <= position:
                break
            found.append(text)
        if found:
            viewer.after = self.texts[-1][0]
        return found[0] if len(found) == 1 else b"".join(reversed(found))


class BatchTopic(Topic):
    """The latest counts of a batch."""

    def __init__(self) -> None:
        super().__init__(1)

    def add(self, counts: Mapping[str, int] | None, is_deleted: bool) -> None:
        """Set the latest counts; None before the first count."""
        if is_deleted:
            self._set("deleted", done_text("deleted"), ends=True)
        elif counts is not None:
            self._set(counts_id(counts), counts_text(counts), ends=is_finished(counts))

    def _set(self, identity: str, text: str, *, ends: bool) -> None:
        if self.has_ended or (self.texts and self.texts[-1][0] == identity and not ends):
            return
        self.texts.append((END_ID if ends else identity, text.encode()))
        self.has_ended = ends
        self.wake()

    async def next(self, viewer: Viewer) -> bytes:
        """Return the counts, unless the viewer has already received them."""
        if not self.texts or viewer.after == self.texts[-1][0]:
            return b""
        viewer.after = self.texts[-1][0]
        return self.texts[-1][1]


def position_of(event_id: str) -> tuple[int, int]:
    """Return a Redis id as numbers; "0" is before the first event."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number or 0)
