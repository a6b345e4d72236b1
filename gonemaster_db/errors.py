"""What the store raises; everything derives from StoreError."""


class StoreError(Exception):
    """The store could not do what was asked."""


class StoreUnavailable(StoreError):
    """The database does not answer; the same call may succeed later."""


class StoreFull(StoreUnavailable):
    """The database cannot grow: its disk is full."""


class StoreConflict(StoreError):
    """A deadlock, serialisation failure or held lock ended the transaction; `Store.run` repeats it."""


class StoreOutdated(StoreError):
    """The tables are not those that this version needs; `gonemaster-server db upgrade` mends it."""


class NotFound(StoreError):
    """There is no row with this key. `key` is the key asked for."""

    def __init__(self, key: object) -> None:
        super().__init__(f"not found: {key}")
        self.key = key


class JobNotFound(NotFound):
    """Neither a job nor a run has this id."""


class RunNotFound(NotFound):
    """No run has this id."""


class BatchNotFound(NotFound):
    """No batch has this id."""


class DomainNotFound(NotFound):
    """No domain has this id."""


class TagNotFound(NotFound):
    """No domain tag has this name."""


class ProfileNotFound(NotFound):
    """No profile has this id."""


class AlreadyExists(StoreError):
    """The name is taken. `key` is the name."""

    def __init__(self, key: object) -> None:
        super().__init__(f"exists already: {key}")
        self.key = key


class TagExists(AlreadyExists):
    """A domain tag of this name exists."""


class ProfileExists(AlreadyExists):
    """A profile of this name exists."""


class ReferenceGone(StoreError):
    """What the change refers to was removed by another at the same moment."""


class JobStateError(StoreError):
    """The job is not in the state that the action needs: claimed by another, canceled, finished."""


class TierMismatch(StoreError):
    """A move named jobs of more than one tier."""


class QueueMismatch(StoreError):
    """A new order of the queue does not name each waiting job exactly once, normal before batch."""


class AmbiguousProfile(StoreError):
    """The tags of a domain name several default profiles. `profile_ids` lists them."""

    def __init__(self, profile_ids: list[int]) -> None:
        super().__init__(f"several default profiles: {profile_ids}")
        self.profile_ids = profile_ids


class JobsNotTerminal(StoreError):
    """The batch still has unfinished jobs. `unfinished` is their number."""

    def __init__(self, unfinished: int) -> None:
        super().__init__(f"{unfinished} jobs are not finished")
        self.unfinished = unfinished


class IdempotencyConflict(StoreError):
    """The idempotency key was used with another request."""
