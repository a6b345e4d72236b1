"""All tables; importing this package registers them with the metadata."""

from gonemaster_db.analysis.models.cohorts import Cohort, DefaultPolicy, MaterializationStatus
from gonemaster_db.analysis.models.facts import (
    FACT_TABLES,
    FactAddressAsn,
    FactDomainAsn,
    FactDomainFact,
    FactDomainSummary,
    FactNsEndpoint,
    FactTagSummary,
    Projection,
)
from gonemaster_db.analysis.models.files import AnalysisFile, ProjectionClaim
from gonemaster_db.analysis.models.registries import AnalysisAddress, AnalysisAsn, AnalysisNameserver, AnalysisPrefix
from gonemaster_db.analysis.models.snapshot_comparisons import SnapshotComparison
from gonemaster_db.analysis.models.snapshot_tables import (
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
from gonemaster_db.analysis.models.snapshots import (
    CohortSnapshot,
    FactStorage,
    PurgedSnapshot,
    SnapshotStatus,
    SnapshotView,
    Vocabulary,
)
from gonemaster_db.batches.models.batches import Batch, BatchNumber, BatchOrigin
from gonemaster_db.batches.models.statistics import BatchStatistics, TagValueTable
from gonemaster_db.batches.models.sweeps import Sweep, Upload, UploadPart
from gonemaster_db.core.base import Base
from gonemaster_db.core.states import JobStatus, Keep, Priority, RunStatus
from gonemaster_db.domains.models.domains import Domain, DomainRunCount, DomainTag, StoredTagSummary, Tag
from gonemaster_db.domains.models.policies import StoredPolicy
from gonemaster_db.domains.models.profiles import EffectiveProfile, Profile
from gonemaster_db.queue.models import AttemptLog, Job
from gonemaster_db.runs.models import run_indexes as _run_indexes  # noqa: F401  # registers the indexes
from gonemaster_db.runs.models.causes import CauseSet
from gonemaster_db.runs.models.counters import PurgedRunCounter, RunCounter
from gonemaster_db.runs.models.documents import RunDocument
from gonemaster_db.runs.models.outcomes import EntryKind, ModuleOutcome, ModuleOutcomeKind, Outcome, OutcomeModule
from gonemaster_db.runs.models.runs import Run
from gonemaster_db.runs.models.shares import ShareLink
from gonemaster_db.service.models.access import AccessSession, AccessToken, AccessTokenUse
from gonemaster_db.service.models.administration import AuditLine, IdempotencyKey, QueuePause, Setting
from gonemaster_db.service.models.metrics import MetricCounter, MetricFollower, MetricLatencies, MetricSlot
from gonemaster_db.service.models.observed_zones import CdsDecision, ObservedZone, RolloverSpan
from gonemaster_db.service.models.operations import Operation, OperationKind, OperationStatus
from gonemaster_db.service.models.reference_lists import ReferenceList
from gonemaster_db.service.models.registrations import Registration
from gonemaster_db.service.models.rst_checks import RstCheck
from gonemaster_db.service.models.schedules import Schedule, ScheduleOutcome
from gonemaster_db.service.models.schema_compatibility import SchemaCompatibility
from gonemaster_db.service.models.watches import (
    Delivery,
    DeliveryStatus,
    Watch,
    WatchDigest,
    WatchedBatch,
    WatchEvent,
    WatchKind,
    WatchNote,
    WatchState,
)

__all__ = [
    "FACT_TABLES",
    "AccessSession",
    "AccessToken",
    "AccessTokenUse",
    "AnalysisAddress",
    "AnalysisAsn",
    "AnalysisFile",
    "AnalysisNameserver",
    "AnalysisPrefix",
    "AttemptLog",
    "AuditLine",
    "Base",
    "Batch",
    "BatchNumber",
    "BatchOrigin",
    "BatchStatistics",
    "CauseSet",
    "CdsDecision",
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
    "FactStorage",
    "FactTagSummary",
    "IdempotencyKey",
    "Job",
    "JobStatus",
    "Keep",
    "MaterializationStatus",
    "MetricCounter",
    "MetricFollower",
    "MetricLatencies",
    "MetricSlot",
    "ModuleOutcome",
    "ModuleOutcomeKind",
    "ObservedZone",
    "Operation",
    "OperationKind",
    "OperationStatus",
    "Outcome",
    "OutcomeModule",
    "Priority",
    "Profile",
    "Projection",
    "ProjectionClaim",
    "PurgedRunCounter",
    "PurgedSnapshot",
    "QueuePause",
    "ReferenceList",
    "Registration",
    "RolloverSpan",
    "RstCheck",
    "Run",
    "RunCounter",
    "RunDocument",
    "RunStatus",
    "Schedule",
    "ScheduleOutcome",
    "SchemaCompatibility",
    "Setting",
    "ShareLink",
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
    "StoredPolicy",
    "StoredTagSummary",
    "Sweep",
    "Tag",
    "TagValueTable",
    "Upload",
    "UploadPart",
    "Vocabulary",
    "Watch",
    "WatchDigest",
    "WatchEvent",
    "WatchKind",
    "WatchNote",
    "WatchState",
    "WatchedBatch",
]
