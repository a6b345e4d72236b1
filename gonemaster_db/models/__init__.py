"""All tables; importing this package registers them with the metadata."""

from gonemaster_db.base import Base
from gonemaster_db.models import run_indexes as _run_indexes  # noqa: F401  # registers the indexes
from gonemaster_db.models.administration import AuditLine, IdempotencyKey, QueuePause, Setting
from gonemaster_db.models.batches import Batch, BatchOrigin
from gonemaster_db.models.counters import RunCounter
from gonemaster_db.models.documents import RunDocument
from gonemaster_db.models.domains import Domain, DomainTag, Tag
from gonemaster_db.models.jobs import Job
from gonemaster_db.models.operations import Operation, OperationKind, OperationStatus
from gonemaster_db.models.outcomes import EntryKind, ModuleOutcome, ModuleOutcomeKind, Outcome, OutcomeModule
from gonemaster_db.models.profiles import EffectiveProfile, Profile
from gonemaster_db.models.runs import Run
from gonemaster_db.models.statistics import BatchStatistics, TagValueTable
from gonemaster_db.models.watches import (
    Delivery,
    DeliveryStatus,
    Watch,
    WatchDigest,
    WatchedBatch,
    WatchEvent,
    WatchNote,
    WatchState,
)
from gonemaster_db.states import JobStatus, Priority, RunStatus

__all__ = [
    "AuditLine",
    "Base",
    "Batch",
    "BatchOrigin",
    "BatchStatistics",
    "Delivery",
    "DeliveryStatus",
    "Domain",
    "DomainTag",
    "EffectiveProfile",
    "EntryKind",
    "IdempotencyKey",
    "Job",
    "JobStatus",
    "ModuleOutcome",
    "ModuleOutcomeKind",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "Outcome",
    "OutcomeModule",
    "Priority",
    "Profile",
    "QueuePause",
    "Run",
    "RunCounter",
    "RunDocument",
    "RunStatus",
    "Setting",
    "Tag",
    "TagValueTable",
    "Watch",
    "WatchDigest",
    "WatchEvent",
    "WatchNote",
    "WatchState",
    "WatchedBatch",
]
