"""Clocks that are wrong on purpose."""

from datetime import datetime, timedelta

from gonemaster_tasks.broker.clock import SharedClock


class SkewedClock(SharedClock):
    """The clock of a broker whose host is ahead of this one."""

    def __init__(self, ahead: timedelta) -> None:
        super().__init__()
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead


class SetClock(SharedClock):
    """A clock that moves only when a test advances it; for histories whose times must be known."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by
