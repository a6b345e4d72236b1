# ruff: noqa: RUF009 - option() is dataclasses.field() with metadata
"""Settings of the DNS engine, which apply to every job."""

from dataclasses import dataclass
from pathlib import Path

from gonemaster_engine.entries import Level
from gonemaster_engine.limits import RunLimits
from gonemaster_engine.net.pacing import AddressLimits
from gonemaster_tasks.config.address_types import name_servers, source_address
from gonemaster_tasks.config.option_types import boolean, choice, integer, readable_file, words
from gonemaster_tasks.config.options import option

LEVELS = tuple(level.name for level in Level)


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Cache, levels, base profile, resolver."""

    cross_job_hot_cache: bool = option(True, boolean(), "share cached responses between jobs", runtime=True)
    cross_job_hot_cache_ttl_seconds: int = option(
        60,
        integer(1, 86400),
        "maximum age of shared cached responses, in seconds",
        env="CROSS_JOB_HOT_CACHE_TTL",
        flag="--cross-job-hot-cache-ttl",
        runtime=True,
    )
    min_level: str = option("INFO", choice(*LEVELS), "lowest level of entries that are stored", runtime=True)
    ipv6_mode: str = option(
        "auto", choice("auto", "on", "off"), "send queries over IPv6; auto: if this host has IPv6", runtime=True
    )
    exclude: tuple[str, ...] = option((), words(), "test cases and modules to skip in every run")
    profile_path: Path | None = option(
        None, readable_file(), "file of the base profile", env="PROFILE", flag="--profile"
    )
    scoring_config_path: Path | None = option(
        None, readable_file(), "file of the scoring configuration", flag="--scoring-config"
    )
    root_hints_path: Path | None = option(
        None, readable_file(), "root hints in zone file format", env="ROOT_HINTS", flag="--root-hints"
    )
    reachability_targets: tuple[str, ...] = option(
        (),
        name_servers(),
        "name servers that a worker queries to check its own network after a suspicious run; empty: the root hints, "
        "none: no checks",
        runtime=True,
    )
    dns_port: int = option(53, integer(1, 65535), "destination port of queries")
    allow_non_global: bool = option(
        False, boolean(), "let the base profile allow queries to addresses that are not globally reachable"
    )
    allow_non_global_targets: bool = option(
        False,
        boolean(),
        "let profiles of jobs allow queries to addresses that are not globally reachable",
        runtime=True,
    )
    positive_cache_ttl: int | None = option(
        None, integer(0, 86400), "overrides resolver.defaults.positive_cache_ttl of the profile, in seconds"
    )
    negative_cache_ttl: int | None = option(
        None, integer(0, 86400), "overrides resolver.defaults.negative_cache_ttl of the profile, in seconds"
    )
    run_max_nameservers: int = option(
        50,
        integer(1, 1000),
        "maximum number of name server names per zone in a test; names beyond the limit are skipped and reported",
        runtime=True,
    )
    run_max_addresses: int = option(
        100, integer(1, 2000), "maximum number of name server addresses per zone in a test", runtime=True
    )
    run_max_queries: int = option(
        30_000,
        integer(100, 1_000_000),
        "maximum number of packets per test, including retries and TCP connections",
        runtime=True,
    )
    run_max_queries_per_address: int = option(
        600,
        integer(10, 10_000),
        "maximum number of packets per test to one name server of the tested zone; 250 to any other address",
        runtime=True,
    )
    run_max_entries: int = option(10_000, integer(100, 1_000_000), "maximum number of entries per test", runtime=True)
    nameserver_qps: int = option(
        300,
        integer(0, 1_000_000),
        "maximum number of packets per second, over all workers, to one name server address; 0 means no limit",
        runtime=True,
    )
    nameserver_outstanding: int = option(
        100,
        integer(0, 100_000),
        "maximum number of unanswered packets, over all workers, at one name server address; 0 means no limit",
        runtime=True,
    )
    timeout: int | None = option(None, integer(1, 60), "overrides resolver.defaults.timeout of the profile, in seconds")
    retry: int | None = option(None, integer(1, 255), "overrides resolver.defaults.retry of the profile")
    retrans: int | None = option(
        None, integer(1, 255), "overrides resolver.defaults.retrans of the profile, in seconds"
    )
    fallback: bool | None = option(
        None,
        boolean(),
        "overrides resolver.defaults.fallback of the profile: retry over TCP after a truncated response",
    )
    source_addr4: str = option(
        "", source_address(4), "local IPv4 address from which queries are sent", flag="--sourceaddr4"
    )
    source_addr6: str = option(
        "", source_address(6), "local IPv6 address from which queries are sent", flag="--sourceaddr6"
    )

    @property
    def uses_ipv6(self) -> bool | None:
        """Whether queries are sent over IPv6; None if it depends on the host."""
        return {"auto": None, "on": True, "off": False}[self.ipv6_mode]

    @property
    def hot_cache_ttl_s(self) -> float:
        """Seconds for which responses of one run are cached for other runs; 0 disables the cache."""
        return float(self.cross_job_hot_cache_ttl_seconds) if self.cross_job_hot_cache else 0.0

    @property
    def run_limits(self) -> RunLimits:
        """The limits of a test."""
        return RunLimits(
            max_nameservers=self.run_max_nameservers,
            max_addresses=self.run_max_addresses,
            max_queries=self.run_max_queries,
            max_queries_per_address=self.run_max_queries_per_address,
            max_entries=self.run_max_entries,
        )

    @property
    def politeness(self) -> AddressLimits:
        """The limits for each address of a name server."""
        return AddressLimits(self.nameserver_qps, self.nameserver_outstanding)

    @property
    def guard_forced(self) -> bool:
        """Whether profiles of jobs cannot allow queries to non-global addresses."""
        return not (self.allow_non_global or self.allow_non_global_targets)
