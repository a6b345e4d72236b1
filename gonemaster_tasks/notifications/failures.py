"""Why a message did not reach its receiver."""

from gonemaster_tasks.errors import TasksError


class DeliveryFailed(TasksError):
    """An attempt failed. `status` is what the receiver answered, if it did; `final`: another attempt would be in vain.

    The text is for people and contains nothing that the receiver sent.
    """

    def __init__(self, text: str, *, status: int | None = None, final: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.final = final


class TargetRefused(TasksError):
    """A URL to which nothing is sent; the text says why."""
