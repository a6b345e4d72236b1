"""Exceptions of the store; all derive from StoreError."""

from gonemaster_db.core.texts import Text


class StoreError(Exception):
    """Base class: the store could not perform the operation."""


class StoreUnavailable(StoreError):
    """The database does not respond; the same call may succeed later."""


class StoreFull(StoreUnavailable):
    """The disk of the database is full."""


class TimeLimitExceeded(StoreUnavailable):
    """Reading took longer than its time limit."""


class StoreConflict(StoreError):
    """A deadlock, serialisation failure or held lock aborted the transaction; `Store.run_in_transaction` retries it."""


class StoreOutdated(StoreError):
    """The schema does not match this version; `gonemaster-server db upgrade` migrates it."""


class FilesUnavailable(StoreError):
    """Files of the analysis cannot be read or written; the message names place and remedy, `name` is the file."""

    def __init__(self, message: object, name: str = "") -> None:
        super().__init__(message)
        self.name = name


class NotFound(StoreError):
    """No row has this key; `key` is the requested key."""

    def __init__(self, key: object) -> None:
        super().__init__(Text("not found: {key}", key=key))
        self.key = key


class JobNotFound(NotFound):
    """Neither a job nor a run has this ID."""


class RunNotFound(NotFound):
    """No run has this ID."""


class BatchNotFound(NotFound):
    """No batch has this ID."""


class DomainNotFound(NotFound):
    """No domain has this ID."""


class TagNotFound(NotFound):
    """No domain tag has this name."""


class ProfileNotFound(NotFound):
    """No profile has this ID."""


class PolicyNotFound(NotFound):
    """No policy has this name, or it has no such version."""


class OperationNotFound(NotFound):
    """No operation has this ID."""


class WatchNotFound(NotFound):
    """No watch has this ID."""


class RstCheckNotFound(NotFound):
    """No rehearsal has this ID."""


class DecisionNotFound(NotFound):
    """No decision about DS records has this key."""


class CohortNotFound(NotFound):
    """No cohort, or no public cohort, has this ID or tag."""


class SnapshotNotFound(NotFound):
    """The cohort has no snapshot, or no public snapshot, with this slug."""


class NoDefaultCohort(StoreError):
    """No cohort is the default; `candidates` is the number of public cohorts."""

    def __init__(self, candidates: int) -> None:
        super().__init__(f"no default among {candidates} public cohorts")
        self.candidates = candidates


class AlreadyExists(StoreError):
    """The name is in use; `key` is the name."""

    def __init__(self, key: object) -> None:
        super().__init__(Text("already exists: {key}", key=key))
        self.key = key


class TagExists(AlreadyExists):
    """A domain tag with this name exists."""


class ProfileExists(AlreadyExists):
    """A profile with this name exists."""


class PolicyExists(AlreadyExists):
    """A policy with this name exists."""


class CohortExists(AlreadyExists):
    """The tag already has a cohort."""


class TokenExists(AlreadyExists):
    """A token with this label exists and is not revoked."""


class SlugExists(AlreadyExists):
    """Another snapshot of the cohort has the slug."""


class InvalidSlug(StoreError):
    """The string is not a valid slug; the message states the rule."""


class SnapshotStateError(StoreError):
    """The snapshot is in the wrong state for the change; the message states the rule."""


class SourceRunsPurged(StoreError):
    """The runs of the snapshot were purged, so its view cannot be rebuilt; `slug` is its slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(Text("the runs of snapshot {slug} have been purged", slug=slug))
        self.slug = slug


class MaterialisationRunning(StoreError):
    """The view is already being rebuilt."""


class TagInUse(StoreError):
    """A cohort uses the tag; `tag` is its name."""

    def __init__(self, tag: str) -> None:
        super().__init__(Text("a cohort uses the tag {tag}", tag=repr(tag)))
        self.tag = tag


class DomainInUse(StoreError):
    """The domain has a waiting or running job; `domain` is its name."""

    def __init__(self, domain: str) -> None:
        super().__init__(Text("{domain} has a waiting or running job", domain=domain))
        self.domain = domain


class InvalidCatalog(StoreError):
    """The cohorts would contradict each other; the message states the rule."""


class TooManyWatches(StoreError):
    """The maximum number of watches exists; `limit` is that number."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the limit of {limit} watches is reached")
        self.limit = limit


class ReferenceGone(StoreError):
    """A row that the change refers to was removed concurrently."""


class JobStateError(StoreError):
    """The job is in the wrong state for the action: claimed by another worker, canceled, finished."""


class OperationClaimLost(StoreError):
    """Another worker claimed the operation after the lease of this claim had expired."""


class TierMismatch(StoreError):
    """A move listed jobs of more than one tier."""


class QueueMismatch(StoreError):
    """A new queue order does not list each waiting job exactly once, normal before batch."""


class PolicyChanged(StoreError):
    """A policy was changed in the meantime; `version` is its current version."""

    def __init__(self, name: str, version: int) -> None:
        super().__init__(Text("the policy {name} now has version {version}", name=repr(name), version=version))
        self.name = name
        self.version = version


class AmbiguousProfile(StoreError):
    """The tags of a domain have different default profiles; `profile_ids` lists them.

    `domain` is the first affected domain of a request for several. It is empty for a single domain, or if the tags are
    those of the request.
    """

    def __init__(self, profile_ids: list[int], domain: str = "") -> None:
        super().__init__(f"ambiguous default profiles: {profile_ids}")
        self.profile_ids = profile_ids
        self.domain = domain


class JobsNotTerminal(StoreError):
    """The batch has unfinished jobs; `unfinished` is their number."""

    def __init__(self, unfinished: int) -> None:
        super().__init__("1 job has not finished" if unfinished == 1 else f"{unfinished} jobs have not finished")
        self.unfinished = unfinished


class IdempotencyConflict(StoreError):
    """The idempotency key was used with a different request."""


class StatisticsPending(StoreError):
    """The values of a large batch are not counted yet; reading its documents for one request would take minutes."""


class DocumentDamaged(StoreError):
    """The stored document of a run cannot be read, or its codec is of a later version."""


class RunReduced(DocumentDamaged):
    """Only a part of the run is kept, so its facts cannot be extracted again."""
