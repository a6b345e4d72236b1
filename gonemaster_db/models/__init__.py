"""All tables; importing this package registers them with the metadata."""

from gonemaster_db.base import Base
from gonemaster_db.models import run_indexes as _run_indexes  # noqa: F401  # registers the indexes
from gonemaster_db.models.access import AccessSession, AccessToken
from gonemaster_db.models.administration import AuditLine, IdempotencyKey, QueuePause, Setting
from gonemaster_db.models.batches import Batch, BatchOrigin
from gonemaster_db.models.cohorts import Cohort, DefaultPolicy, MaterializationStatus
from gonemaster_db.models.counters import PurgedRunCounter, RunCounter
from gonemaster_db.models.documents import RunDocument
from gonemaster_db.models.domains import Domain, DomainRunCount, DomainTag, KeptTagSummary, Tag
from gonemaster_db.models.facts import (
    FACT_TABLES,
    FactAddressAsn,
    FactDomainAsn,
    FactDomainFact,
    FactDomainSummary,
    FactNsEndpoint,
    FactTagSummary,
    Projection,
)
from gonemaster_db.models.jobs import Job
from gonemaster_db.models.metrics import MetricCounter, MetricFollower, MetricLatencies, MetricSlot
from gonemaster_db.models.operations import Operation, OperationKind, OperationStatus
from gonemaster_db.models.outcomes import EntryKind, ModuleOutcome, ModuleOutcomeKind, Outcome, OutcomeModule
from gonemaster_db.models.profiles import EffectiveProfile, Profile
from gonemaster_db.models.reference_lists import ReferenceList
from gonemaster_db.models.registrations import Registration
from gonemaster_db.models.registries import AnalysisAddress, AnalysisAsn, AnalysisNameserver, AnalysisPrefix
from gonemaster_db.models.runs import Run
from gonemaster_db.models.schedules import Schedule, ScheduleOutcome
from gonemaster_db.models.schema_compatibility import SchemaCompatibility
from gonemaster_db.models.snapshot_comparisons import SnapshotComparison
from gonemaster_db.models.snapshot_tables import (
    SnapshotAsn,
    SnapshotDomain,
    SnapshotEndpoint,
    SnapshotMembers,
    SnapshotNameserver,
    SnapshotOverview,
    SnapshotPrefix,
    SnapshotTag,
    SnapshotTestcase,
)
from gonemaster_db.models.snapshots import CohortSnapshot, PurgedSnapshot, SnapshotStatus, SnapshotView, Vocabulary
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
    "FACT_TABLES",
    "AccessSession",
    "AccessToken",
    "AnalysisAddress",
    "AnalysisAsn",
    "AnalysisNameserver",
    "AnalysisPrefix",
    "AuditLine",
    "Base",
    "Batch",
    "BatchOrigin",
    "BatchStatistics",
    "Cohort",
    "CohortSnapshot",
    "DefaultPolicy",
    "Delivery",
    "DeliveryStatus",
    "Domain",
    "DomainRunCount",
    "DomainTag",
    "EffectiveProfile",
    "EntryKind",
    "FactAddressAsn",
    "FactDomainAsn",
    "FactDomainFact",
    "FactDomainSummary",
    "FactNsEndpoint",
    "FactTagSummary",
    "IdempotencyKey",
    "Job",
    "JobStatus",
    "KeptTagSummary",
    "MaterializationStatus",
    "MetricCounter",
    "MetricFollower",
    "MetricLatencies",
    "MetricSlot",
    "ModuleOutcome",
    "ModuleOutcomeKind",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "Outcome",
    "OutcomeModule",
    "Priority",
    "Profile",
    "Projection",
    "PurgedRunCounter",
    "PurgedSnapshot",
    "QueuePause",
    "ReferenceList",
    "Registration",
    "Run",
    "RunCounter",
    "RunDocument",
    "RunStatus",
    "Schedule",
    "ScheduleOutcome",
    "SchemaCompatibility",
    "Setting",
    "SnapshotAsn",
    "SnapshotComparison",
    "SnapshotDomain",
    "SnapshotEndpoint",
    "SnapshotMembers",
    "SnapshotNameserver",
    "SnapshotOverview",
    "SnapshotPrefix",
    "SnapshotStatus",
    "SnapshotTag",
    "SnapshotTestcase",
    "SnapshotView",
    "Tag",
    "TagValueTable",
    "Vocabulary",
    "Watch",
    "WatchDigest",
    "WatchEvent",
    "WatchNote",
    "WatchState",
    "WatchedBatch",
]
