"""Errors of deliveries."""

from gonemaster_tasks.errors import TasksError


class DeliveryFailed(TasksError):
    """A failed attempt. `status` is the receiver's reply, if any; `final` means that retrying is useless.

    The text is for people and contains nothing that the receiver sent.
    """

    def __init__(self, text: str, *, status: int | None = None, final: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.final = final


class TargetRefused(TasksError):
    """The URL is not an allowed target; the text says why."""
