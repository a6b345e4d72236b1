"""The pacing state of one run: its queries wait for the limits of addresses."""


class RunPace:
    """The pacing state of a run: whether a user waits for its result, and how long its queries waited in total."""

    __slots__ = ("is_over", "is_urgent", "waited_s")

    def __init__(self, *, is_urgent: bool = False) -> None:
        self.is_urgent = is_urgent
        self.waited_s = 0.0
        self.is_over = False  # waiting queries are not sent any more
