# ruff: noqa: RUF009 - option() is dataclasses.field() with metadata
"""Settings of the analysis and of external data."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gonemaster_db.core.levels import LEVELS
from gonemaster_tasks.config.address_types import http_url
from gonemaster_tasks.config.option_types import boolean, choice, duration, integer, path, storage_place, text
from gonemaster_tasks.config.options import option

_ANALYSIS = "analysis"
TLD_SOURCE = "https://data.iana.org/TLD/tlds-alpha-by-domain.txt"
RDAP_SOURCE = "https://data.iana.org/rdap/dns.json"


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """Cohorts, snapshots, external data."""

    analysis_tag_view_min_level: str = option(
        "NOTICE",
        choice(*LEVELS[LEVELS.index("INFO") :]),
        "lowest level of the findings in the analysis, for cohorts that set no level",
        key="analysis.tag_view_min_level",
        runtime=True,
    )
    analysis_coverage: int = option(
        80,
        integer(0, 100),
        "percentage of the members of a cohort that a snapshot must contain to become the default without a pin, for "
        "cohorts that set no percentage",
        key="analysis.coverage",
        runtime=True,
    )
    analysis_projection_interval_seconds: int = option(
        10,
        integer(1, 3600),
        "interval at which finished runs are added to their snapshots, in seconds",
        key="analysis.projection_interval_seconds",
    )
    analysis_capture_interval_seconds: int = option(
        30,
        integer(1, 3600),
        "interval at which snapshots of finished batches are captured, in seconds",
        key="analysis.capture_interval_seconds",
    )
    analytics_location: str = option(
        "",
        storage_place(),
        "folder or object store for the facts and views of new snapshots, in Parquet files; needs the extra "
        "gonemaster[analytics]; empty: in the database",
        key="analytics.location",
    )
    analytics_max_database_domains: int = option(
        300_000,
        integer(1, 2_000_000_000),
        "maximum number of domains of a snapshot in the database; larger snapshots need analytics.location",
        key="analytics.max_database_domains",
    )
    analytics_file_interval: timedelta = option(
        timedelta(minutes=15),
        duration(),
        "time after which finished runs of a running batch are written to a file, even if they are fewer than 100,000",
        key="analytics.file_interval",
    )
    analytics_projectors: int = option(
        2,
        integer(1, 64),
        "maximum number of worker processes that write the facts of one snapshot at the same time",
        key="analytics.projectors",
    )
    analytics_memory_limit: int = option(
        2**30,
        integer(128 * 2**20, 2**50),
        "memory of DuckDB in a process that captures or reads snapshots in files, in bytes; more data goes to disk",
        key="analytics.memory_limit",
    )
    analytics_spill_folder: Path | None = option(
        None,
        path(),
        "folder for data that analytics.memory_limit does not hold; empty: the folder for temporary files",
        key="analytics.spill_folder",
    )
    analysis_vantage_label: str = option(
        "",
        text(),
        "location of the measurements, shown next to response times; a label longer than 64 characters is ignored",
        key="analysis.vantage_label",
    )
    external_data_enabled: bool = option(
        False,
        boolean(),
        "fetch external data: lists from IANA, registration data over RDAP, AS names over DNS",
        key="external_data.enabled",
    )
    external_data_refresh_interval: timedelta = option(
        timedelta(hours=24),
        duration(),
        "interval at which external data is fetched",
        key="external_data.refresh_interval",
    )
    external_data_timeout: timedelta = option(
        timedelta(seconds=10), duration(), "time limit for one request for external data", key="external_data.timeout"
    )
    external_data_source_iana_tlds: str = option(
        TLD_SOURCE, http_url(), "URL of the list of top-level domains", key="external_data.sources.iana_tlds"
    )
    external_data_source_rdap_bootstrap: str = option(
        RDAP_SOURCE,
        http_url(),
        "URL of the list of RDAP services",
        key="external_data.sources.rdap_bootstrap",
    )
    external_data_record_ttl: timedelta = option(
        timedelta(hours=168),
        duration(),
        "time for which registration data and AS names are considered fresh",
        key="external_data.record_ttl",
    )
    external_data_negative_ttl: timedelta = option(
        timedelta(hours=1),
        duration(),
        "time to wait after a failed request before it is repeated",
        key="external_data.negative_ttl",
    )
    external_data_max_requests_per_minute: int = option(
        30,
        integer(1, 10_000),
        "maximum number of requests per minute, over all workers, for registration data and for AS names each",
        key="external_data.max_requests_per_minute",
    )
    external_data_max_cached_records: int = option(
        20_000,
        integer(1, 10_000_000),
        "maximum number of cached registration records; the least recently requested are removed first",
        key="external_data.max_cached_records",
    )
