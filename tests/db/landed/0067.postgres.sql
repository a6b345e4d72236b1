CREATE TABLE public.access_sessions (
    digest character varying(71) NOT NULL COLLATE pg_catalog."C",
    token_digest character varying(71) NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
CREATE TABLE public.access_token_uses (
    digest character varying(71) NOT NULL COLLATE pg_catalog."C",
    last_used_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.access_token_uses.last_used_at IS 'written at most once a minute';
CREATE TABLE public.access_tokens (
    digest character varying(71) NOT NULL COLLATE pg_catalog."C",
    label character varying(64) NOT NULL COLLATE pg_catalog."C",
    scopes jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    expires_at timestamp with time zone
);
COMMENT ON COLUMN public.access_tokens.scopes IS 'a list of read, operate, admin; empty means admin';
COMMENT ON COLUMN public.access_tokens.expires_at IS 'null: never';
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.analysis_addresses (
    id integer NOT NULL,
    address character varying(45) NOT NULL COLLATE pg_catalog."C",
    family smallint NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.analysis_addresses.address IS 'canonical text, RFC 5952 for IPv6';
COMMENT ON COLUMN public.analysis_addresses.family IS '4 or 6';
CREATE SEQUENCE public.analysis_addresses_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.analysis_addresses_id_seq OWNED BY public.analysis_addresses.id;
CREATE TABLE public.analysis_asns (
    asn bigint NOT NULL,
    label text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    label_tried_at timestamp with time zone
);
COMMENT ON COLUMN public.analysis_asns.label_tried_at IS 'when its holder was last looked up';
CREATE TABLE public.analysis_files (
    id bigint NOT NULL,
    snapshot_id bigint,
    view_id bigint,
    kind character varying(32) NOT NULL COLLATE pg_catalog."C",
    name character varying(255) NOT NULL COLLATE pg_catalog."C",
    rows bigint NOT NULL,
    size bigint NOT NULL,
    first_domain character varying(253) COLLATE pg_catalog."C",
    last_domain character varying(253) COLLATE pg_catalog."C",
    first_key bigint,
    last_key bigint,
    run_keys bytea,
    created_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.analysis_files.snapshot_id IS 'null: removed, while its view has readers';
COMMENT ON COLUMN public.analysis_files.view_id IS 'null: a file with facts';
COMMENT ON COLUMN public.analysis_files.kind IS 'facts, or the name of a table of the view';
COMMENT ON COLUMN public.analysis_files.name IS 'path below analytics.location';
COMMENT ON COLUMN public.analysis_files.size IS 'in bytes';
COMMENT ON COLUMN public.analysis_files.first_domain IS 'of a file with facts';
COMMENT ON COLUMN public.analysis_files.first_key IS 'lowest key of its runs';
COMMENT ON COLUMN public.analysis_files.run_keys IS 'packed keys of its runs; null: they are to be projected again';
CREATE SEQUENCE public.analysis_files_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.analysis_files_id_seq OWNED BY public.analysis_files.id;
CREATE TABLE public.analysis_nameservers (
    id integer NOT NULL,
    name character varying(255) NOT NULL COLLATE pg_catalog."C",
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.analysis_nameservers_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.analysis_nameservers_id_seq OWNED BY public.analysis_nameservers.id;
CREATE TABLE public.analysis_prefixes (
    id integer NOT NULL,
    prefix character varying(49) NOT NULL COLLATE pg_catalog."C",
    family smallint NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.analysis_prefixes.family IS '4 or 6';
CREATE SEQUENCE public.analysis_prefixes_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.analysis_prefixes_id_seq OWNED BY public.analysis_prefixes.id;
CREATE TABLE public.attempt_logs (
    job_id character varying(40) NOT NULL COLLATE pg_catalog."C",
    attempt smallint NOT NULL,
    worker character varying(255) NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    lines jsonb NOT NULL
);
CREATE TABLE public.audit (
    id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    who text NOT NULL,
    action character varying(64) NOT NULL COLLATE pg_catalog."C",
    target text NOT NULL,
    count integer NOT NULL,
    details jsonb NOT NULL
);
CREATE SEQUENCE public.audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_id_seq OWNED BY public.audit.id;
CREATE TABLE public.batch_numbers (
    number bigint NOT NULL,
    batch_key bigint NOT NULL
);
CREATE TABLE public.batch_statistics (
    batch_key bigint NOT NULL,
    signature bytea NOT NULL,
    made_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.batch_statistics.signature IS 'of the counters of the batch';
CREATE TABLE public.batches (
    key bigint NOT NULL,
    id character varying(40) NOT NULL COLLATE pg_catalog."C",
    tag character varying(255) NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    domain_count integer NOT NULL,
    description text NOT NULL,
    snapshot_intent boolean NOT NULL,
    promote_snapshot boolean DEFAULT false NOT NULL,
    origin character varying(16) NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    tags text DEFAULT ''::text NOT NULL,
    keep character varying(16) DEFAULT 'full'::character varying NOT NULL,
    reduced_runs integer DEFAULT 0 NOT NULL,
    reduced_revision bigint DEFAULT '-1'::bigint NOT NULL
);
COMMENT ON COLUMN public.batches.key IS 'sorts like the id, see ids.batch_key';
COMMENT ON COLUMN public.batches.tag IS 'kept when the tag is deleted';
COMMENT ON COLUMN public.batches.promote_snapshot IS 'its snapshot is pinned when it is captured, once';
COMMENT ON COLUMN public.batches.tags IS 'one a line; those that it was made for';
COMMENT ON COLUMN public.batches.keep IS 'of its runs once their facts are written';
COMMENT ON COLUMN public.batches.reduced_runs IS 'runs of which less than `full` was kept, later purged ones too';
COMMENT ON COLUMN public.batches.reduced_revision IS 'sum of facts_revision when all runs were reduced';
CREATE TABLE public.cause_sets (
    id integer NOT NULL,
    causes text NOT NULL
);
COMMENT ON COLUMN public.cause_sets.causes IS 'identifiers, sorted, with a bar before and after each; empty without causes';
CREATE SEQUENCE public.cause_sets_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.cause_sets_id_seq OWNED BY public.cause_sets.id;
CREATE TABLE public.cds_decisions (
    key bigint NOT NULL,
    watch_id bigint,
    domain character varying(253) NOT NULL COLLATE pg_catalog."C",
    action character varying(16) NOT NULL COLLATE pg_catalog."C",
    reason character varying(32) NOT NULL COLLATE pg_catalog."C",
    ds jsonb NOT NULL,
    current_ds jsonb NOT NULL,
    decided_at timestamp with time zone NOT NULL,
    evidence bytea NOT NULL
);
COMMENT ON COLUMN public.cds_decisions.ds IS 'the complete set that the delegation should have';
COMMENT ON COLUMN public.cds_decisions.current_ds IS 'the set at the time of the decision';
COMMENT ON COLUMN public.cds_decisions.evidence IS 'the observation, as JSON';
CREATE SEQUENCE public.cds_decisions_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.cds_decisions_key_seq OWNED BY public.cds_decisions.key;
CREATE TABLE public.cohort_snapshots (
    id bigint NOT NULL,
    cohort_id integer,
    batch_key bigint,
    slug character varying(64) NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL,
    description text NOT NULL,
    profile_id bigint,
    profile_name text NOT NULL,
    engine_version text NOT NULL,
    mixed_engine_version boolean NOT NULL,
    scoring_config_hash character varying(64) NOT NULL COLLATE pg_catalog."C",
    vocabulary_id integer,
    captured_at timestamp with time zone,
    first_run_at timestamp with time zone,
    last_run_at timestamp with time zone,
    run_count integer NOT NULL,
    domain_count integer NOT NULL,
    status character varying(32) NOT NULL,
    is_public boolean NOT NULL,
    tag_view_min_level character varying(8) NOT NULL COLLATE pg_catalog."C",
    materialization_status character varying(16) NOT NULL COLLATE pg_catalog."C",
    materialization_done integer NOT NULL,
    materialization_total integer NOT NULL,
    last_materialization_error text NOT NULL,
    last_materialized_at timestamp with time zone,
    seen_runs bigint NOT NULL,
    facts_revision integer NOT NULL,
    captured_revision integer NOT NULL,
    view_id bigint,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    coverage integer,
    default_allowed boolean DEFAULT true NOT NULL,
    score_rule smallint,
    storage character varying(8) DEFAULT 'rows'::character varying NOT NULL,
    reduced_key bigint DEFAULT '0'::bigint NOT NULL
);
COMMENT ON COLUMN public.cohort_snapshots.engine_version IS 'empty: unknown';
COMMENT ON COLUMN public.cohort_snapshots.scoring_config_hash IS 'empty: unknown';
COMMENT ON COLUMN public.cohort_snapshots.run_count IS 'projected runs';
COMMENT ON COLUMN public.cohort_snapshots.tag_view_min_level IS 'the floor that its facts have';
COMMENT ON COLUMN public.cohort_snapshots.seen_runs IS 'succeeded runs of the batch when all of them were last looked at';
COMMENT ON COLUMN public.cohort_snapshots.facts_revision IS 'raised by each change of its facts';
COMMENT ON COLUMN public.cohort_snapshots.captured_revision IS 'of the facts that the view shows';
COMMENT ON COLUMN public.cohort_snapshots.coverage IS 'percent of the members with a result when it was captured; null: not known';
COMMENT ON COLUMN public.cohort_snapshots.default_allowed IS 'it may become the default without being pinned';
COMMENT ON COLUMN public.cohort_snapshots.score_rule IS 'null: the first rule, or not captured';
COMMENT ON COLUMN public.cohort_snapshots.storage IS 'of its facts and its view';
COMMENT ON COLUMN public.cohort_snapshots.reduced_key IS 'runs up to this key were reduced while the batch was running';
CREATE SEQUENCE public.cohort_snapshots_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.cohort_snapshots_id_seq OWNED BY public.cohort_snapshots.id;
CREATE TABLE public.cohorts (
    id integer NOT NULL,
    source_type character varying(16) NOT NULL COLLATE pg_catalog."C",
    source_tag character varying(255) NOT NULL COLLATE pg_catalog."C",
    label text NOT NULL,
    description text NOT NULL,
    analysis_enabled boolean NOT NULL,
    public_enabled boolean NOT NULL,
    is_default boolean NOT NULL,
    sort_order integer NOT NULL,
    materialization_status character varying(16) NOT NULL,
    materialization_done integer NOT NULL,
    materialization_total integer NOT NULL,
    last_materialized_at timestamp with time zone,
    last_materialization_error text NOT NULL,
    default_snapshot_policy character varying(16) NOT NULL,
    default_snapshot_id bigint,
    tag_view_min_level character varying(8) NOT NULL COLLATE pg_catalog."C",
    reference_list character varying(32) NOT NULL COLLATE pg_catalog."C",
    generation integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    coverage integer,
    keep character varying(16)
);
COMMENT ON COLUMN public.cohorts.default_snapshot_id IS 'if pinned';
COMMENT ON COLUMN public.cohorts.tag_view_min_level IS 'empty: that of the server';
COMMENT ON COLUMN public.cohorts.generation IS 'raised when it is cleared or made anew: what was begun before is dropped';
COMMENT ON COLUMN public.cohorts.coverage IS 'percent of the members that a snapshot needs to become the default; null: that of the server';
COMMENT ON COLUMN public.cohorts.keep IS 'of the runs of new batches that choose nothing; null: that of the server';
CREATE SEQUENCE public.cohorts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.cohorts_id_seq OWNED BY public.cohorts.id;
CREATE TABLE public.deliveries (
    id character varying(40) NOT NULL COLLATE pg_catalog."C",
    watch_id bigint NOT NULL,
    event character varying(32) NOT NULL COLLATE pg_catalog."C",
    event_count integer NOT NULL,
    body bytea,
    status character varying(16) NOT NULL,
    attempts integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    next_attempt_at timestamp with time zone NOT NULL,
    last_attempt_at timestamp with time zone,
    finished_at timestamp with time zone,
    duration_ms integer,
    response_status smallint,
    error text NOT NULL,
    worker character varying(255),
    lease_until timestamp with time zone
);
COMMENT ON COLUMN public.deliveries.event IS 'a WatchEvent, `test` or, of mails, `digest`';
COMMENT ON COLUMN public.deliveries.body IS 'what is sent; removed at the end';
COMMENT ON COLUMN public.deliveries.duration_ms IS 'of the last attempt';
COMMENT ON COLUMN public.deliveries.response_status IS 'of the last attempt, HTTP or SMTP';
COMMENT ON COLUMN public.deliveries.error IS 'why the last attempt failed';
COMMENT ON COLUMN public.deliveries.worker IS 'holder of the claim, unique for each claim';
CREATE TABLE public.domain_run_counts (
    domain_id bigint NOT NULL,
    run_count integer NOT NULL,
    name character varying(253) NOT NULL COLLATE pg_catalog."C",
    latest_level character varying(8) COLLATE pg_catalog."C"
);
CREATE TABLE public.domain_tags (
    domain_id bigint NOT NULL,
    tag character varying(255) NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.domains (
    id bigint NOT NULL,
    name character varying(253) NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    run_count integer NOT NULL,
    latest_run_id character varying(40) COLLATE pg_catalog."C",
    latest_outcome_id integer,
    latest_run_at timestamp with time zone,
    latest_status character varying(16),
    latest_level character varying(8) COLLATE pg_catalog."C",
    latest_rank smallint GENERATED ALWAYS AS (
CASE latest_level
    WHEN 'CRITICAL'::text THEN 4
    WHEN 'ERROR'::text THEN 3
    WHEN 'WARNING'::text THEN 2
    WHEN 'NOTICE'::text THEN 1
    ELSE 0
END) STORED NOT NULL,
    latest_score smallint,
    latest_grade character varying(4) COLLATE pg_catalog."C"
);
COMMENT ON COLUMN public.domains.latest_outcome_id IS 'of the newest run';
CREATE SEQUENCE public.domains_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.domains_id_seq OWNED BY public.domains.id;
CREATE TABLE public.effective_profiles (
    id integer NOT NULL,
    digest character varying(64) NOT NULL COLLATE pg_catalog."C",
    document bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.effective_profiles.digest IS 'SHA-256 of the document';
COMMENT ON COLUMN public.effective_profiles.document IS 'JSON text, compressed';
CREATE SEQUENCE public.effective_profiles_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.effective_profiles_id_seq OWNED BY public.effective_profiles.id;
CREATE TABLE public.entry_kinds (
    id integer NOT NULL,
    module character varying(32) NOT NULL COLLATE pg_catalog."C",
    testcase character varying(32) NOT NULL COLLATE pg_catalog."C",
    tag character varying(64) NOT NULL COLLATE pg_catalog."C",
    level character varying(8) NOT NULL COLLATE pg_catalog."C"
);
COMMENT ON COLUMN public.entry_kinds.module IS 'upper case';
COMMENT ON COLUMN public.entry_kinds.testcase IS 'lower case, empty for the run itself';
CREATE SEQUENCE public.entry_kinds_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.entry_kinds_id_seq OWNED BY public.entry_kinds.id;
CREATE TABLE public.fact_address_asns (
    snapshot_id bigint NOT NULL,
    domain_id bigint NOT NULL,
    address_id integer NOT NULL,
    asn bigint NOT NULL,
    prefix_id integer,
    lookup_status smallint NOT NULL
);
COMMENT ON COLUMN public.fact_address_asns.asn IS '0: none is known';
CREATE TABLE public.fact_domain_asns (
    snapshot_id bigint NOT NULL,
    domain_id bigint NOT NULL,
    asn bigint NOT NULL,
    family smallint NOT NULL
);
COMMENT ON COLUMN public.fact_domain_asns.family IS '4 or 6';
CREATE TABLE public.fact_domain_facts (
    snapshot_id bigint NOT NULL,
    domain_id bigint NOT NULL,
    category smallint NOT NULL,
    fact_key character varying(255) NOT NULL COLLATE pg_catalog."C",
    value_num integer
);
CREATE TABLE public.fact_domain_summary (
    snapshot_id bigint NOT NULL,
    domain_id bigint NOT NULL,
    name character varying(253) NOT NULL COLLATE pg_catalog."C",
    run_key bigint NOT NULL,
    run_id character varying(40) NOT NULL COLLATE pg_catalog."C",
    finished_at timestamp with time zone NOT NULL,
    score smallint,
    grade character varying(4) COLLATE pg_catalog."C",
    worst_level smallint,
    nameserver_count integer NOT NULL,
    endpoint_count integer NOT NULL,
    asn_count integer NOT NULL,
    prefix_count integer NOT NULL,
    ipv4_ns_count integer NOT NULL,
    ipv6_ns_count integer NOT NULL,
    engine_version character varying(64) NOT NULL COLLATE pg_catalog."C",
    effective_profile_id integer,
    profile_id integer,
    profile_name text NOT NULL,
    cause_set_id integer
);
COMMENT ON COLUMN public.fact_domain_summary.name IS 'the domain may be gone: facts outlive it';
COMMENT ON COLUMN public.fact_domain_summary.run_key IS 'the run may be gone: facts outlive it';
COMMENT ON COLUMN public.fact_domain_summary.ipv4_ns_count IS 'name servers with at least one IPv4 address';
COMMENT ON COLUMN public.fact_domain_summary.engine_version IS 'empty: unknown';
COMMENT ON COLUMN public.fact_domain_summary.cause_set_id IS 'null: unknown';
CREATE TABLE public.fact_ns_endpoints (
    snapshot_id bigint NOT NULL,
    domain_id bigint NOT NULL,
    nameserver_id integer NOT NULL,
    address_id integer NOT NULL,
    source smallint NOT NULL,
    avg_ms double precision,
    min_ms double precision,
    max_ms double precision,
    query_count integer NOT NULL,
    unreachable boolean NOT NULL
);
COMMENT ON COLUMN public.fact_ns_endpoints.address_id IS '0: the name has no address';
COMMENT ON COLUMN public.fact_ns_endpoints.avg_ms IS 'null: no answer, or not asked';
COMMENT ON COLUMN public.fact_ns_endpoints.unreachable IS 'it was asked and did not answer';
CREATE TABLE public.fact_tag_summary (
    snapshot_id bigint NOT NULL,
    domain_id bigint NOT NULL,
    kind_id integer NOT NULL,
    occurrence_count integer NOT NULL
);
CREATE TABLE public.idempotency_keys (
    key character varying(255) NOT NULL COLLATE pg_catalog."C",
    request_hash character varying(64) NOT NULL COLLATE pg_catalog."C",
    status_code smallint NOT NULL,
    response jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.job_slabs
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.jobs (
    id character varying(40) NOT NULL COLLATE pg_catalog."C",
    public_id character varying(12) COLLATE pg_catalog."C",
    domain character varying(253) NOT NULL COLLATE pg_catalog."C",
    domain_id bigint,
    batch_id character varying(40) COLLATE pg_catalog."C",
    status character varying(16) NOT NULL,
    priority smallint NOT NULL,
    "position" bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    expires_at timestamp with time zone,
    progress smallint NOT NULL,
    error text NOT NULL,
    attempt smallint NOT NULL,
    releases smallint NOT NULL,
    worker character varying(255),
    lease_until timestamp with time zone,
    cancel_requested_at timestamp with time zone,
    profile text NOT NULL,
    profile_id bigint,
    profile_name text NOT NULL,
    config jsonb NOT NULL
);
COMMENT ON COLUMN public.jobs.domain IS 'A-labels, lower case, no final dot';
COMMENT ON COLUMN public.jobs."position" IS 'order within the tier, sparse';
COMMENT ON COLUMN public.jobs.attempt IS 'number of claims';
COMMENT ON COLUMN public.jobs.releases IS 'claims given back in order';
COMMENT ON COLUMN public.jobs.profile IS 'as sent by the client, unused';
CREATE TABLE public.metric_counters (
    name character varying(32) NOT NULL COLLATE pg_catalog."C",
    label character varying(255) NOT NULL COLLATE pg_catalog."C",
    value bigint NOT NULL
);
COMMENT ON COLUMN public.metric_counters.label IS 'what is counted apart; may be empty';
CREATE TABLE public.metric_followers (
    name character varying(16) NOT NULL COLLATE pg_catalog."C",
    seen bigint NOT NULL,
    holes jsonb NOT NULL,
    domains jsonb NOT NULL,
    batches jsonb NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.metric_followers.seen IS 'key of the last run that was added';
COMMENT ON COLUMN public.metric_followers.holes IS 'keys below it that had no run yet';
CREATE TABLE public.metric_latencies (
    resolution smallint NOT NULL,
    start bigint NOT NULL,
    source character varying(40) NOT NULL COLLATE pg_catalog."C",
    routes jsonb NOT NULL
);
COMMENT ON COLUMN public.metric_latencies.source IS 'an API process';
COMMENT ON COLUMN public.metric_latencies.routes IS '`METHOD route` to the numbers of requests by bucket of time';
CREATE TABLE public.metric_slots (
    resolution smallint NOT NULL,
    start bigint NOT NULL,
    throughput integer NOT NULL,
    failed integer NOT NULL,
    queue_depth integer,
    dns_queries_ipv4 bigint NOT NULL,
    dns_queries_ipv6 bigint NOT NULL,
    cache_hits bigint NOT NULL,
    cache_misses bigint NOT NULL,
    sev_notice bigint NOT NULL,
    sev_warning bigint NOT NULL,
    sev_error bigint NOT NULL,
    sev_critical bigint NOT NULL
);
COMMENT ON COLUMN public.metric_slots.resolution IS 'length in seconds: 60 or 300';
COMMENT ON COLUMN public.metric_slots.start IS 'POSIX seconds, a multiple of the length';
COMMENT ON COLUMN public.metric_slots.throughput IS 'runs that succeeded or failed';
COMMENT ON COLUMN public.metric_slots.queue_depth IS 'the last one that was measured';
CREATE TABLE public.module_outcome_kinds (
    kind_id integer NOT NULL,
    module_outcome_id integer NOT NULL,
    count integer NOT NULL
);
CREATE TABLE public.module_outcomes (
    id integer NOT NULL,
    digest bytea NOT NULL
);
COMMENT ON COLUMN public.module_outcomes.digest IS 'BLAKE2b of the sorted kinds';
CREATE SEQUENCE public.module_outcomes_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.module_outcomes_id_seq OWNED BY public.module_outcomes.id;
CREATE TABLE public.observed_zones (
    watch_id bigint NOT NULL,
    domain character varying(253) NOT NULL COLLATE pg_catalog."C",
    next_at timestamp with time zone NOT NULL,
    observed_at timestamp with time zone,
    state jsonb NOT NULL
);
COMMENT ON COLUMN public.observed_zones.next_at IS 'when it is due, or the end of the lease while it is observed';
COMMENT ON COLUMN public.observed_zones.state IS 'what earlier observations said';
CREATE TABLE public.operations (
    id character varying(40) NOT NULL COLLATE pg_catalog."C",
    kind character varying(16) NOT NULL,
    target text NOT NULL,
    parameters jsonb NOT NULL,
    status character varying(16) NOT NULL,
    done bigint NOT NULL,
    total bigint NOT NULL,
    result jsonb,
    error text NOT NULL,
    who text NOT NULL,
    audit_id bigint,
    worker character varying(255),
    lease_until timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone
);
COMMENT ON COLUMN public.operations.target IS 'id or name of what is changed, as in the audit';
COMMENT ON COLUMN public.operations.total IS 'rows to change, counted at the start';
COMMENT ON COLUMN public.operations.result IS 'what the synchronous response would have been';
COMMENT ON COLUMN public.operations.worker IS 'holder of the claim, unique for each claim';
COMMENT ON COLUMN public.operations.attempts IS 'starts since the last progress; those that were released do not count';
CREATE TABLE public.outcome_modules (
    module_outcome_id integer NOT NULL,
    outcome_id integer NOT NULL
);
CREATE TABLE public.outcomes (
    id integer NOT NULL,
    digest bytea NOT NULL,
    kinds bytea NOT NULL,
    created_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.outcomes.digest IS 'BLAKE2b of the kinds';
COMMENT ON COLUMN public.outcomes.kinds IS 'ids of entry kinds in order, as code points in UTF-8';
CREATE SEQUENCE public.outcomes_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outcomes_id_seq OWNED BY public.outcomes.id;
CREATE TABLE public.policies (
    id bigint NOT NULL,
    name character varying(64) NOT NULL COLLATE pg_catalog."C",
    version integer NOT NULL,
    document jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    created_by character varying(255) NOT NULL,
    removed_at timestamp with time zone
);
COMMENT ON COLUMN public.policies.version IS '1, 2, ...; continued if a removed policy is stored again';
COMMENT ON COLUMN public.policies.document IS 'in normal form, without name and version';
CREATE SEQUENCE public.policies_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.policies_id_seq OWNED BY public.policies.id;
CREATE TABLE public.profiles (
    id bigint NOT NULL,
    name character varying(255) NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL,
    config jsonb NOT NULL,
    public boolean NOT NULL,
    schema_version text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.profiles_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.profiles_id_seq OWNED BY public.profiles.id;
CREATE TABLE public.projection_claims (
    id bigint NOT NULL,
    snapshot_id bigint NOT NULL,
    first_key bigint NOT NULL,
    last_key bigint NOT NULL,
    holder character varying(32) NOT NULL COLLATE pg_catalog."C",
    lease_until timestamp with time zone NOT NULL
);
CREATE SEQUENCE public.projection_claims_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.projection_claims_id_seq OWNED BY public.projection_claims.id;
CREATE TABLE public.projections (
    snapshot_id bigint NOT NULL,
    run_key bigint NOT NULL,
    status smallint NOT NULL,
    projector_version smallint NOT NULL,
    error text
);
CREATE TABLE public.purged_run_counters (
    batch_key bigint NOT NULL,
    status smallint NOT NULL,
    level smallint NOT NULL,
    grade character varying(4) NOT NULL COLLATE pg_catalog."C",
    runs bigint NOT NULL,
    first_started_at timestamp with time zone,
    last_finished_at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.purged_run_counters.level IS '-1: none';
COMMENT ON COLUMN public.purged_run_counters.grade IS 'empty: none';
COMMENT ON COLUMN public.purged_run_counters.first_started_at IS 'null: none of them started';
CREATE TABLE public.purged_snapshots (
    cohort_id integer NOT NULL,
    batch_key bigint NOT NULL
);
CREATE TABLE public.queue_pauses (
    tier character varying(16) NOT NULL COLLATE pg_catalog."C",
    paused_by text NOT NULL,
    reason text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone
);
CREATE TABLE public.reference_lists (
    name character varying(32) NOT NULL COLLATE pg_catalog."C",
    version character varying(64) NOT NULL COLLATE pg_catalog."C",
    entries integer NOT NULL,
    content bytea NOT NULL,
    fetched_at timestamp with time zone,
    tried_at timestamp with time zone NOT NULL,
    last_error text NOT NULL,
    last_error_at timestamp with time zone
);
COMMENT ON COLUMN public.reference_lists.version IS 'empty: never fetched';
COMMENT ON COLUMN public.reference_lists.content IS 'names in A-labels, one a line';
COMMENT ON COLUMN public.reference_lists.tried_at IS 'of the last attempt; the next one follows an interval later';
CREATE TABLE public.registrations (
    domain character varying(253) NOT NULL COLLATE pg_catalog."C",
    content bytea NOT NULL,
    source_url text NOT NULL,
    fetched_at timestamp with time zone,
    tried_at timestamp with time zone NOT NULL,
    last_error text NOT NULL
);
COMMENT ON COLUMN public.registrations.domain IS 'A-labels, lower case';
COMMENT ON COLUMN public.registrations.content IS 'JSON; empty: never fetched';
COMMENT ON COLUMN public.registrations.tried_at IS 'of the last attempt';
COMMENT ON COLUMN public.registrations.last_error IS 'empty: the last attempt succeeded';
CREATE TABLE public.rollover_spans (
    key bigint NOT NULL,
    watch_id bigint NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    samples integer NOT NULL,
    state jsonb NOT NULL
);
CREATE SEQUENCE public.rollover_spans_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.rollover_spans_key_seq OWNED BY public.rollover_spans.key;
CREATE TABLE public.rst_checks (
    id character varying(40) NOT NULL COLLATE pg_catalog."C",
    created_at timestamp with time zone NOT NULL,
    job_ids jsonb NOT NULL,
    inputs bytea NOT NULL
);
COMMENT ON COLUMN public.rst_checks.job_ids IS 'list, in the order of the TLDs';
COMMENT ON COLUMN public.rst_checks.inputs IS 'input parameters of RST as JSON';
CREATE TABLE public.run_counters (
    batch_key bigint NOT NULL,
    shard smallint NOT NULL,
    status smallint NOT NULL,
    level smallint NOT NULL,
    grade character varying(4) NOT NULL COLLATE pg_catalog."C",
    runs bigint NOT NULL
)
WITH (fillfactor='50');
COMMENT ON COLUMN public.run_counters.batch_key IS '0: all runs';
COMMENT ON COLUMN public.run_counters.level IS '-1: none';
COMMENT ON COLUMN public.run_counters.grade IS 'empty: none';
CREATE TABLE public.run_documents (
    run_key bigint NOT NULL,
    codec smallint NOT NULL,
    document bytea NOT NULL
);
ALTER TABLE ONLY public.run_documents ALTER COLUMN document SET STORAGE EXTERNAL;
COMMENT ON COLUMN public.run_documents.codec IS 'format and dictionary of the document';
CREATE TABLE public.runs (
    key bigint NOT NULL,
    id character varying(40) NOT NULL COLLATE pg_catalog."C",
    public_id character varying(12) COLLATE pg_catalog."C",
    domain character varying(253) NOT NULL COLLATE pg_catalog."C",
    domain_id bigint NOT NULL,
    batch_key bigint,
    outcome_id integer,
    status smallint NOT NULL,
    priority smallint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    begun_at timestamp with time zone GENERATED ALWAYS AS (COALESCE(started_at, created_at)) STORED NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    duration_ms bigint,
    attempt smallint NOT NULL,
    worker character varying(255),
    error text NOT NULL,
    sev_notice integer NOT NULL,
    sev_warning integer NOT NULL,
    sev_error integer NOT NULL,
    sev_critical integer NOT NULL,
    sev_severe integer GENERATED ALWAYS AS ((sev_error + sev_critical)) STORED NOT NULL,
    entry_count integer NOT NULL,
    worst_level smallint,
    worst_rank smallint GENERATED ALWAYS AS (
CASE
    WHEN (worst_level > 3) THEN (worst_level - 3)
    ELSE 0
END) STORED NOT NULL,
    score smallint,
    grade character varying(4) COLLATE pg_catalog."C",
    findings_hash bigint,
    profile text NOT NULL,
    profile_id bigint,
    profile_name text NOT NULL,
    effective_profile_id integer,
    config jsonb NOT NULL,
    score_rule smallint,
    cause_set_id integer,
    policy character varying(64) COLLATE pg_catalog."C",
    policy_version character varying(32) COLLATE pg_catalog."C",
    verdict smallint
);
COMMENT ON COLUMN public.runs.key IS 'inside of the database; outside runs have ids';
COMMENT ON COLUMN public.runs.outcome_id IS 'null: no entries';
COMMENT ON COLUMN public.runs.begun_at IS 'what lists sort by';
COMMENT ON COLUMN public.runs.sev_severe IS 'what lists sort by';
COMMENT ON COLUMN public.runs.findings_hash IS 'equal for runs that found the same from NOTICE up; of those that succeeded';
COMMENT ON COLUMN public.runs.score_rule IS 'null: no score, or the first rule';
COMMENT ON COLUMN public.runs.cause_set_id IS 'null: not computed, or no result';
COMMENT ON COLUMN public.runs.verdict IS 'of the policy; null: no policy';
CREATE SEQUENCE public.runs_key_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.runs_key_seq OWNED BY public.runs.key;
CREATE TABLE public.schedules (
    id bigint NOT NULL,
    cohort_id integer,
    tag character varying(255) COLLATE pg_catalog."C",
    enabled boolean NOT NULL,
    kind character varying(16) NOT NULL COLLATE pg_catalog."C",
    interval_days smallint,
    anchor_date date,
    weekdays jsonb NOT NULL,
    days_of_month jsonb NOT NULL,
    last_day boolean NOT NULL,
    time_of_day character varying(5) NOT NULL,
    timezone character varying(64) NOT NULL COLLATE pg_catalog."C",
    profile_id bigint,
    promote_default boolean NOT NULL,
    catch_up boolean NOT NULL,
    next_run_at timestamp with time zone,
    last_run_at timestamp with time zone,
    last_batch_id character varying(40) COLLATE pg_catalog."C",
    last_outcome character varying(16),
    last_error text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    policy character varying(64) COLLATE pg_catalog."C",
    keep character varying(16),
    CONSTRAINT ck_schedules_one_target CHECK (((cohort_id IS NULL) <> (tag IS NULL)))
);
COMMENT ON COLUMN public.schedules.kind IS 'interval, weekly, monthly';
COMMENT ON COLUMN public.schedules.weekdays IS 'mon ... sun';
COMMENT ON COLUMN public.schedules.time_of_day IS 'HH:MM in the time zone';
COMMENT ON COLUMN public.schedules.timezone IS 'IANA name';
COMMENT ON COLUMN public.schedules.promote_default IS 'pin the snapshot of each batch';
COMMENT ON COLUMN public.schedules.catch_up IS 'submit late what was missed, once';
COMMENT ON COLUMN public.schedules.keep IS 'of the runs of its batches; null: that of the cohort, or of the server';
CREATE SEQUENCE public.schedules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.schedules_id_seq OWNED BY public.schedules.id;
CREATE TABLE public.schema_compatibility (
    revision character varying(32) NOT NULL COLLATE pg_catalog."C",
    compatible_from character varying(32) NOT NULL COLLATE pg_catalog."C"
);
CREATE TABLE public.settings (
    key character varying(255) NOT NULL COLLATE pg_catalog."C",
    value jsonb NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.share_links (
    digest character varying(71) NOT NULL COLLATE pg_catalog."C",
    run_key bigint NOT NULL,
    created_by text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
);
COMMENT ON COLUMN public.share_links.created_by IS 'the actor, as in the audit';
CREATE TABLE public.snapshot_asns (
    view_id bigint NOT NULL,
    "position" integer NOT NULL,
    asn bigint NOT NULL,
    label text NOT NULL,
    domain_count integer NOT NULL,
    address_count integer NOT NULL,
    nameserver_count integer NOT NULL,
    prefix_count integer NOT NULL,
    ipv4_count integer NOT NULL,
    ipv6_count integer NOT NULL,
    latency_p50_ms double precision,
    latency_p95_ms double precision,
    latency_samples bigint NOT NULL
);
COMMENT ON COLUMN public.snapshot_asns.latency_samples IS 'answers that the times are from';
CREATE TABLE public.snapshot_comparisons (
    id bigint NOT NULL,
    from_view_id bigint NOT NULL,
    to_view_id bigint NOT NULL,
    basis character varying(64) NOT NULL COLLATE pg_catalog."C",
    made_at timestamp with time zone NOT NULL,
    summary bytea NOT NULL,
    clusters bytea NOT NULL,
    added bytea NOT NULL,
    removed bytea NOT NULL,
    grade_changed bytea NOT NULL,
    level_changed bytea NOT NULL,
    moved bytea NOT NULL,
    causes_changed bytea
);
COMMENT ON COLUMN public.snapshot_comparisons.basis IS 'digest of scoring, vocabularies and floors used';
COMMENT ON COLUMN public.snapshot_comparisons.summary IS 'JSON: totals and changed tags';
COMMENT ON COLUMN public.snapshot_comparisons.clusters IS 'JSON: domains that moved together, largest first';
COMMENT ON COLUMN public.snapshot_comparisons.moved IS 'both positions, delta, explained delta, category; by delta, then name';
COMMENT ON COLUMN public.snapshot_comparisons.causes_changed IS 'domains whose root causes differ; null: not compared';
CREATE SEQUENCE public.snapshot_comparisons_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.snapshot_comparisons_id_seq OWNED BY public.snapshot_comparisons.id;
CREATE TABLE public.snapshot_domains (
    view_id bigint NOT NULL,
    "position" integer NOT NULL,
    domain_id bigint NOT NULL,
    name character varying(253) NOT NULL COLLATE pg_catalog."C",
    run_id character varying(40) NOT NULL COLLATE pg_catalog."C",
    score smallint,
    grade character varying(4) COLLATE pg_catalog."C",
    worst_level smallint,
    finished_at timestamp with time zone NOT NULL,
    nameserver_count integer NOT NULL,
    endpoint_count integer NOT NULL,
    asn_count integer NOT NULL,
    prefix_count integer NOT NULL,
    ipv4_ns_count integer NOT NULL,
    ipv6_ns_count integer NOT NULL,
    dnskey_algo_weakest smallint,
    dnskey_count integer,
    dnssec_posture character varying(8) NOT NULL COLLATE pg_catalog."C",
    software_version character varying(255) NOT NULL COLLATE pg_catalog."C",
    operator character varying(128) NOT NULL COLLATE pg_catalog."C",
    operator_asn bigint,
    cause_set_id integer
);
COMMENT ON COLUMN public.snapshot_domains.domain_id IS 'the domain may be gone: views outlive it';
COMMENT ON COLUMN public.snapshot_domains.run_id IS 'the run may be gone';
COMMENT ON COLUMN public.snapshot_domains.cause_set_id IS 'null: unknown';
CREATE TABLE public.snapshot_endpoints (
    view_id bigint NOT NULL,
    "position" integer NOT NULL,
    nameserver_id integer NOT NULL,
    address_id integer NOT NULL,
    nameserver character varying(255) NOT NULL COLLATE pg_catalog."C",
    address character varying(45) NOT NULL COLLATE pg_catalog."C",
    address_order bytea NOT NULL,
    family smallint NOT NULL,
    domain_count integer NOT NULL,
    asn bigint,
    operator character varying(128) NOT NULL COLLATE pg_catalog."C",
    prefix character varying(49) NOT NULL COLLATE pg_catalog."C",
    latency_p50_ms double precision,
    latency_p95_ms double precision,
    latency_samples bigint NOT NULL
);
COMMENT ON COLUMN public.snapshot_endpoints.address_order IS 'family and octets: sorts as addresses do';
COMMENT ON COLUMN public.snapshot_endpoints.operator IS 'label of its AS';
COMMENT ON COLUMN public.snapshot_endpoints.prefix IS 'empty: unknown';
COMMENT ON COLUMN public.snapshot_endpoints.latency_samples IS 'answers that the times are from';
CREATE TABLE public.snapshot_members (
    view_id bigint NOT NULL,
    owner smallint NOT NULL,
    "position" integer NOT NULL,
    member smallint NOT NULL,
    positions bytea NOT NULL
);
CREATE TABLE public.snapshot_nameservers (
    view_id bigint NOT NULL,
    "position" integer NOT NULL,
    nameserver_id integer NOT NULL,
    name character varying(255) NOT NULL COLLATE pg_catalog."C",
    domain_count integer NOT NULL,
    endpoint_count integer NOT NULL,
    ipv4_count integer NOT NULL,
    ipv6_count integer NOT NULL,
    asn_count integer NOT NULL,
    operator character varying(128) NOT NULL COLLATE pg_catalog."C",
    operator_asn bigint,
    query_count bigint NOT NULL,
    latency_ipv4 double precision,
    latency_ipv6 double precision,
    latency_p50_ms double precision,
    latency_p95_ms double precision,
    latency_samples bigint NOT NULL
);
COMMENT ON COLUMN public.snapshot_nameservers.operator IS 'label of its AS, or Multiple';
COMMENT ON COLUMN public.snapshot_nameservers.operator_asn IS 'if it is in a single one';
COMMENT ON COLUMN public.snapshot_nameservers.latency_ipv4 IS 'median';
COMMENT ON COLUMN public.snapshot_nameservers.latency_samples IS 'answers that the times are from';
CREATE TABLE public.snapshot_overviews (
    view_id bigint NOT NULL,
    domain_count integer NOT NULL,
    nameserver_count integer NOT NULL,
    endpoint_count integer NOT NULL,
    asn_count integer NOT NULL,
    prefix_count integer NOT NULL,
    top_tags bytea NOT NULL,
    top_nameservers bytea NOT NULL,
    top_asns bytea NOT NULL,
    fact_distributions bytea NOT NULL
);
CREATE TABLE public.snapshot_prefixes (
    view_id bigint NOT NULL,
    "position" integer NOT NULL,
    prefix character varying(49) NOT NULL COLLATE pg_catalog."C",
    family smallint NOT NULL,
    domain_count integer NOT NULL,
    address_count integer NOT NULL,
    asn bigint,
    asn_label text NOT NULL
);
COMMENT ON COLUMN public.snapshot_prefixes.asn IS 'if there is a single one';
CREATE TABLE public.snapshot_tags (
    view_id bigint NOT NULL,
    "position" integer NOT NULL,
    tag character varying(64) NOT NULL COLLATE pg_catalog."C",
    module character varying(32) NOT NULL COLLATE pg_catalog."C",
    testcase character varying(32) NOT NULL COLLATE pg_catalog."C",
    level smallint NOT NULL,
    domain_count integer NOT NULL,
    occurrence_count bigint NOT NULL
);
COMMENT ON COLUMN public.snapshot_tags.level IS 'the worst one that it has';
CREATE TABLE public.snapshot_testcases (
    view_id bigint NOT NULL,
    "position" integer NOT NULL,
    module character varying(32) NOT NULL COLLATE pg_catalog."C",
    testcase character varying(32) NOT NULL COLLATE pg_catalog."C",
    domain_count integer NOT NULL,
    entry_count bigint NOT NULL,
    worst_level smallint NOT NULL
);
CREATE TABLE public.snapshot_views (
    id bigint NOT NULL,
    snapshot_id bigint,
    builder text NOT NULL,
    lease_until timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    fact_rows bigint
);
COMMENT ON COLUMN public.snapshot_views.builder IS 'who builds it; empty when it is complete';
COMMENT ON COLUMN public.snapshot_views.lease_until IS 'of the builder; null when it is complete';
COMMENT ON COLUMN public.snapshot_views.fact_rows IS 'rows of all fact tables that it was made from';
CREATE SEQUENCE public.snapshot_views_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.snapshot_views_id_seq OWNED BY public.snapshot_views.id;
CREATE TABLE public.tag_summaries (
    tag character varying(255) NOT NULL COLLATE pg_catalog."C",
    signature bytea NOT NULL,
    checked_at timestamp with time zone NOT NULL,
    domain_count integer NOT NULL,
    ok integer NOT NULL,
    notice integer NOT NULL,
    warning integer NOT NULL,
    error integer NOT NULL,
    critical integer NOT NULL,
    grades jsonb NOT NULL
);
COMMENT ON COLUMN public.tag_summaries.signature IS 'of the tag''s domains and of all runs';
COMMENT ON COLUMN public.tag_summaries.checked_at IS 'when the counts were right';
COMMENT ON COLUMN public.tag_summaries.grades IS 'numbers by grade';
CREATE TABLE public.tag_value_tables (
    batch_key bigint NOT NULL,
    tag character varying(64) NOT NULL COLLATE pg_catalog."C",
    argument character varying(255) NOT NULL COLLATE pg_catalog."C",
    most bytea NOT NULL,
    worst bytea,
    shared bytea
);
COMMENT ON COLUMN public.tag_value_tables.most IS 'the values that most domains have';
COMMENT ON COLUMN public.tag_value_tables.worst IS 'those that lack most points; null: as `most`';
COMMENT ON COLUMN public.tag_value_tables.shared IS 'all that two domains or more have; null: they are in `most`';
CREATE TABLE public.tags (
    name character varying(255) NOT NULL COLLATE pg_catalog."C",
    description text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    default_profile_id bigint
);
CREATE TABLE public.vocabularies (
    id integer NOT NULL,
    digest bytea NOT NULL,
    levels bytea NOT NULL
);
COMMENT ON COLUMN public.vocabularies.digest IS 'BLAKE2b of the text';
COMMENT ON COLUMN public.vocabularies.levels IS 'JSON: module to tag to level';
CREATE SEQUENCE public.vocabularies_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.vocabularies_id_seq OWNED BY public.vocabularies.id;
CREATE TABLE public.watch_digests (
    watch_id bigint NOT NULL,
    batch_key bigint NOT NULL,
    summary jsonb NOT NULL
);
COMMENT ON COLUMN public.watch_digests.summary IS 'numbers of events, and the first of each kind';
CREATE TABLE public.watch_notes (
    id bigint NOT NULL,
    event character varying(32) NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    tag character varying(255) NOT NULL COLLATE pg_catalog."C",
    batch_key bigint,
    details jsonb NOT NULL,
    at timestamp with time zone NOT NULL
);
COMMENT ON COLUMN public.watch_notes.event IS 'a WatchEvent';
COMMENT ON COLUMN public.watch_notes.name IS 'identifies what happened; goes into the id of the event';
COMMENT ON COLUMN public.watch_notes.details IS 'what the receiver is told';
CREATE SEQUENCE public.watch_notes_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.watch_notes_id_seq OWNED BY public.watch_notes.id;
CREATE TABLE public.watch_states (
    name character varying(16) NOT NULL COLLATE pg_catalog."C",
    value jsonb NOT NULL,
    version bigint NOT NULL
);
COMMENT ON COLUMN public.watch_states.version IS 'of two workers, the one that finds it changed gives up';
CREATE TABLE public.watched_batches (
    batch_key bigint NOT NULL
);
CREATE TABLE public.watches (
    id bigint NOT NULL,
    tag character varying(255) COLLATE pg_catalog."C",
    domain character varying(253) COLLATE pg_catalog."C",
    events jsonb NOT NULL,
    url text,
    email character varying(254) COLLATE pg_catalog."C",
    host character varying(255) NOT NULL COLLATE pg_catalog."C",
    secret text,
    min_level character varying(8) NOT NULL COLLATE pg_catalog."C",
    grade_drop smallint NOT NULL,
    enabled boolean NOT NULL,
    after_key bigint NOT NULL,
    failures integer NOT NULL,
    retry_at timestamp with time zone,
    mailed_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    kind character varying(16) DEFAULT 'changes'::character varying NOT NULL,
    interval_s integer,
    hold_down_s integer,
    ends_at timestamp with time zone,
    policy character varying(64) COLLATE pg_catalog."C",
    transfer boolean DEFAULT false NOT NULL
);
COMMENT ON COLUMN public.watches.tag IS 'kept when the tag is deleted';
COMMENT ON COLUMN public.watches.host IS 'host and port of the URL, empty for email';
COMMENT ON COLUMN public.watches.secret IS 'key of the signatures; never shown';
COMMENT ON COLUMN public.watches.min_level IS 'message tags from this level up count';
COMMENT ON COLUMN public.watches.grade_drop IS 'steps of the grade that count';
COMMENT ON COLUMN public.watches.after_key IS 'runs up to this key are not told of';
COMMENT ON COLUMN public.watches.failures IS 'failed attempts since the last success';
COMMENT ON COLUMN public.watches.interval_s IS 'time between two observations of a domain';
COMMENT ON COLUMN public.watches.hold_down_s IS 'how long a CDS request must stay the same';
COMMENT ON COLUMN public.watches.ends_at IS 'zones are observed until then';
COMMENT ON COLUMN public.watches.policy IS 'only runs with this policy count';
COMMENT ON COLUMN public.watches.transfer IS 'samples of a rollover also read the zone by AXFR';
CREATE SEQUENCE public.watches_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.watches_id_seq OWNED BY public.watches.id;
ALTER TABLE ONLY public.analysis_addresses ALTER COLUMN id SET DEFAULT nextval('public.analysis_addresses_id_seq'::regclass);
ALTER TABLE ONLY public.analysis_files ALTER COLUMN id SET DEFAULT nextval('public.analysis_files_id_seq'::regclass);
ALTER TABLE ONLY public.analysis_nameservers ALTER COLUMN id SET DEFAULT nextval('public.analysis_nameservers_id_seq'::regclass);
ALTER TABLE ONLY public.analysis_prefixes ALTER COLUMN id SET DEFAULT nextval('public.analysis_prefixes_id_seq'::regclass);
ALTER TABLE ONLY public.audit ALTER COLUMN id SET DEFAULT nextval('public.audit_id_seq'::regclass);
ALTER TABLE ONLY public.cause_sets ALTER COLUMN id SET DEFAULT nextval('public.cause_sets_id_seq'::regclass);
ALTER TABLE ONLY public.cds_decisions ALTER COLUMN key SET DEFAULT nextval('public.cds_decisions_key_seq'::regclass);
ALTER TABLE ONLY public.cohort_snapshots ALTER COLUMN id SET DEFAULT nextval('public.cohort_snapshots_id_seq'::regclass);
ALTER TABLE ONLY public.cohorts ALTER COLUMN id SET DEFAULT nextval('public.cohorts_id_seq'::regclass);
ALTER TABLE ONLY public.domains ALTER COLUMN id SET DEFAULT nextval('public.domains_id_seq'::regclass);
ALTER TABLE ONLY public.effective_profiles ALTER COLUMN id SET DEFAULT nextval('public.effective_profiles_id_seq'::regclass);
ALTER TABLE ONLY public.entry_kinds ALTER COLUMN id SET DEFAULT nextval('public.entry_kinds_id_seq'::regclass);
ALTER TABLE ONLY public.module_outcomes ALTER COLUMN id SET DEFAULT nextval('public.module_outcomes_id_seq'::regclass);
ALTER TABLE ONLY public.outcomes ALTER COLUMN id SET DEFAULT nextval('public.outcomes_id_seq'::regclass);
ALTER TABLE ONLY public.policies ALTER COLUMN id SET DEFAULT nextval('public.policies_id_seq'::regclass);
ALTER TABLE ONLY public.profiles ALTER COLUMN id SET DEFAULT nextval('public.profiles_id_seq'::regclass);
ALTER TABLE ONLY public.projection_claims ALTER COLUMN id SET DEFAULT nextval('public.projection_claims_id_seq'::regclass);
ALTER TABLE ONLY public.rollover_spans ALTER COLUMN key SET DEFAULT nextval('public.rollover_spans_key_seq'::regclass);
ALTER TABLE ONLY public.runs ALTER COLUMN key SET DEFAULT nextval('public.runs_key_seq'::regclass);
ALTER TABLE ONLY public.schedules ALTER COLUMN id SET DEFAULT nextval('public.schedules_id_seq'::regclass);
ALTER TABLE ONLY public.snapshot_comparisons ALTER COLUMN id SET DEFAULT nextval('public.snapshot_comparisons_id_seq'::regclass);
ALTER TABLE ONLY public.snapshot_views ALTER COLUMN id SET DEFAULT nextval('public.snapshot_views_id_seq'::regclass);
ALTER TABLE ONLY public.vocabularies ALTER COLUMN id SET DEFAULT nextval('public.vocabularies_id_seq'::regclass);
ALTER TABLE ONLY public.watch_notes ALTER COLUMN id SET DEFAULT nextval('public.watch_notes_id_seq'::regclass);
ALTER TABLE ONLY public.watches ALTER COLUMN id SET DEFAULT nextval('public.watches_id_seq'::regclass);
INSERT INTO public.alembic_version VALUES ('0067');
INSERT INTO public.batches VALUES (-2319089878753502493, 'batch_8E1gVBlZvutJB29lS37', '', '2026-11-25 12:00:00+00', 2, '', false, false, '', '', '', 'full', 0, -1);
INSERT INTO public.domain_run_counts VALUES (1, 1, 'a.example', 'WARNING');
INSERT INTO public.domain_run_counts VALUES (2, 1, 'b.example', 'WARNING');
INSERT INTO public.domain_run_counts VALUES (3, 1, 'c.example', 'ERROR');
INSERT INTO public.domain_tags VALUES (3, 'eu');
INSERT INTO public.domains VALUES (1, 'a.example', '2026-11-25 12:00:09+00', 1, 'job_8E1gVBtz1OXCavHN46p', 1, '2026-11-25 12:00:09+00', 'succeeded', 'WARNING', DEFAULT, NULL, NULL);
INSERT INTO public.domains VALUES (2, 'b.example', '2026-11-25 12:00:09+00', 1, 'job_8E1gVCNkYRE4AKJrfY7', 1, '2026-11-25 12:00:09+00', 'succeeded', 'WARNING', DEFAULT, NULL, NULL);
INSERT INTO public.domains VALUES (3, 'c.example', '2026-11-25 12:00:00+00', 1, 'job_8E1gVCVLOhaPyZFxRXP', 2, '2026-11-25 12:00:00+00', 'succeeded', 'ERROR', DEFAULT, NULL, NULL);
INSERT INTO public.effective_profiles VALUES (1, '1e867cab57fce8cb9f682b344421c5e416bedbd1b3c87a5e76e1a42facd82529', '\x01789cab56ca4b2d51b2aa56ca2c283353b24a4bcc294eadad0500550707c4', '2026-11-25 12:00:00+00');
INSERT INTO public.entry_kinds VALUES (1, 'BASIC', 'basic01', 'B01_CHILD_FOUND', 'INFO');
INSERT INTO public.entry_kinds VALUES (2, 'BASIC', 'basic01', 'B01_CHILD_FOUND', 'WARNING');
INSERT INTO public.entry_kinds VALUES (3, 'BASIC', 'basic01', 'B01_CHILD_FOUND', 'ERROR');
INSERT INTO public.jobs VALUES ('job_8E1gVCk1lcgnS6E6P6P', NULL, 'd.example', NULL, NULL, 'queued', 0, 33554432, '2026-11-25 12:00:00+00', NULL, NULL, 0, '', 0, 0, NULL, NULL, NULL, '', NULL, '', '{}');
INSERT INTO public.module_outcome_kinds VALUES (1, 1, 1);
INSERT INTO public.module_outcome_kinds VALUES (2, 1, 1);
INSERT INTO public.module_outcome_kinds VALUES (3, 2, 1);
INSERT INTO public.module_outcomes VALUES (1, '\x6e70bbd341ca5010128294a059c4f646');
INSERT INTO public.module_outcomes VALUES (2, '\x71b186b851e866e71be237342976049a');
INSERT INTO public.outcome_modules VALUES (1, 1);
INSERT INTO public.outcome_modules VALUES (2, 2);
INSERT INTO public.outcomes VALUES (1, '\x6e70bbd341ca5010128294a059c4f646', '\x0102', '2026-11-25 12:00:09+00');
INSERT INTO public.outcomes VALUES (2, '\x71b186b851e866e71be237342976049a', '\x03', '2026-11-25 12:00:00+00');
INSERT INTO public.run_counters VALUES (-2319089878753502493, 14, 0, 5, '', 1);
INSERT INTO public.run_counters VALUES (0, 14, 0, 5, '', 1);
INSERT INTO public.run_counters VALUES (-2319089878753502493, 11, 0, 5, '', 1);
INSERT INTO public.run_counters VALUES (0, 11, 0, 5, '', 1);
INSERT INTO public.run_counters VALUES (0, 11, 0, 6, '', 1);
INSERT INTO public.run_documents VALUES (1, 1, '\x78bbbb132b1333008d710301171000000c8a019a');
INSERT INTO public.run_documents VALUES (2, 1, '\x78bbbb132b1333008d710301171000000c8a019a');
INSERT INTO public.run_documents VALUES (3, 1, '\x78bbbb132b1333e0e2e202000100004f');
INSERT INTO public.runs VALUES (1, 'job_8E1gVBtz1OXCavHN46p', NULL, 'a.example', 1, -2319089878753502493, 1, 0, 0, '2026-11-25 12:00:03+00', '2026-11-25 12:00:04+00', DEFAULT, '2026-11-25 12:00:09+00', 5000, 1, 'w1', '', 0, 1, 0, 0, DEFAULT, 2, 5, DEFAULT, NULL, NULL, -2318404520512004775, '', NULL, '', NULL, '{}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.runs VALUES (2, 'job_8E1gVCNkYRE4AKJrfY7', NULL, 'b.example', 2, -2319089878753502493, 1, 0, 0, '2026-11-25 12:00:03+00', '2026-11-25 12:00:04+00', DEFAULT, '2026-11-25 12:00:09+00', 5000, 1, 'w1', '', 0, 1, 0, 0, DEFAULT, 2, 5, DEFAULT, NULL, NULL, -2318404520512004775, '', NULL, '', NULL, '{}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.runs VALUES (3, 'job_8E1gVCVLOhaPyZFxRXP', NULL, 'c.example', 3, NULL, 2, 0, 0, '2026-11-25 11:59:54+00', '2026-11-25 11:59:55+00', DEFAULT, '2026-11-25 12:00:00+00', 5000, 1, 'w1', '', 0, 0, 1, 0, DEFAULT, 1, 6, DEFAULT, NULL, NULL, -7985054482027369288, '', NULL, '', 1, '{"tags": ["eu"]}', NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.schema_compatibility VALUES ('0067', '0029');
INSERT INTO public.tags VALUES ('eu', '', '2026-11-25 12:00:00+00', NULL);
SELECT pg_catalog.setval('public.analysis_addresses_id_seq', 1, false);
SELECT pg_catalog.setval('public.analysis_files_id_seq', 1, false);
SELECT pg_catalog.setval('public.analysis_nameservers_id_seq', 1, false);
SELECT pg_catalog.setval('public.analysis_prefixes_id_seq', 1, false);
SELECT pg_catalog.setval('public.audit_id_seq', 1, false);
SELECT pg_catalog.setval('public.cause_sets_id_seq', 1, false);
SELECT pg_catalog.setval('public.cds_decisions_key_seq', 1, false);
SELECT pg_catalog.setval('public.cohort_snapshots_id_seq', 1, false);
SELECT pg_catalog.setval('public.cohorts_id_seq', 1, false);
SELECT pg_catalog.setval('public.domains_id_seq', 3, true);
SELECT pg_catalog.setval('public.effective_profiles_id_seq', 1, true);
SELECT pg_catalog.setval('public.entry_kinds_id_seq', 3, true);
SELECT pg_catalog.setval('public.job_slabs', 4, true);
SELECT pg_catalog.setval('public.module_outcomes_id_seq', 2, true);
SELECT pg_catalog.setval('public.outcomes_id_seq', 2, true);
SELECT pg_catalog.setval('public.policies_id_seq', 1, false);
SELECT pg_catalog.setval('public.profiles_id_seq', 1, false);
SELECT pg_catalog.setval('public.projection_claims_id_seq', 1, false);
SELECT pg_catalog.setval('public.rollover_spans_key_seq', 1, false);
SELECT pg_catalog.setval('public.runs_key_seq', 3, true);
SELECT pg_catalog.setval('public.schedules_id_seq', 1, false);
SELECT pg_catalog.setval('public.snapshot_comparisons_id_seq', 1, false);
SELECT pg_catalog.setval('public.snapshot_views_id_seq', 1, false);
SELECT pg_catalog.setval('public.vocabularies_id_seq', 1, false);
SELECT pg_catalog.setval('public.watch_notes_id_seq', 1, false);
SELECT pg_catalog.setval('public.watches_id_seq', 1, false);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.access_sessions
    ADD CONSTRAINT pk_access_sessions PRIMARY KEY (digest);
ALTER TABLE ONLY public.access_token_uses
    ADD CONSTRAINT pk_access_token_uses PRIMARY KEY (digest);
ALTER TABLE ONLY public.access_tokens
    ADD CONSTRAINT pk_access_tokens PRIMARY KEY (digest);
ALTER TABLE ONLY public.analysis_addresses
    ADD CONSTRAINT pk_analysis_addresses PRIMARY KEY (id);
ALTER TABLE ONLY public.analysis_asns
    ADD CONSTRAINT pk_analysis_asns PRIMARY KEY (asn);
ALTER TABLE ONLY public.analysis_files
    ADD CONSTRAINT pk_analysis_files PRIMARY KEY (id);
ALTER TABLE ONLY public.analysis_nameservers
    ADD CONSTRAINT pk_analysis_nameservers PRIMARY KEY (id);
ALTER TABLE ONLY public.analysis_prefixes
    ADD CONSTRAINT pk_analysis_prefixes PRIMARY KEY (id);
ALTER TABLE ONLY public.attempt_logs
    ADD CONSTRAINT pk_attempt_logs PRIMARY KEY (job_id, attempt);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT pk_audit PRIMARY KEY (id);
ALTER TABLE ONLY public.batch_numbers
    ADD CONSTRAINT pk_batch_numbers PRIMARY KEY (number);
ALTER TABLE ONLY public.batch_statistics
    ADD CONSTRAINT pk_batch_statistics PRIMARY KEY (batch_key);
ALTER TABLE ONLY public.batches
    ADD CONSTRAINT pk_batches PRIMARY KEY (key);
ALTER TABLE ONLY public.cause_sets
    ADD CONSTRAINT pk_cause_sets PRIMARY KEY (id);
ALTER TABLE ONLY public.cds_decisions
    ADD CONSTRAINT pk_cds_decisions PRIMARY KEY (key);
ALTER TABLE ONLY public.cohort_snapshots
    ADD CONSTRAINT pk_cohort_snapshots PRIMARY KEY (id);
ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT pk_cohorts PRIMARY KEY (id);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT pk_deliveries PRIMARY KEY (id);
ALTER TABLE ONLY public.domain_run_counts
    ADD CONSTRAINT pk_domain_run_counts PRIMARY KEY (domain_id);
ALTER TABLE ONLY public.domain_tags
    ADD CONSTRAINT pk_domain_tags PRIMARY KEY (domain_id, tag);
ALTER TABLE ONLY public.domains
    ADD CONSTRAINT pk_domains PRIMARY KEY (id);
ALTER TABLE ONLY public.effective_profiles
    ADD CONSTRAINT pk_effective_profiles PRIMARY KEY (id);
ALTER TABLE ONLY public.entry_kinds
    ADD CONSTRAINT pk_entry_kinds PRIMARY KEY (id);
ALTER TABLE ONLY public.fact_address_asns
    ADD CONSTRAINT pk_fact_address_asns PRIMARY KEY (snapshot_id, domain_id, address_id, asn);
ALTER TABLE ONLY public.fact_domain_asns
    ADD CONSTRAINT pk_fact_domain_asns PRIMARY KEY (snapshot_id, domain_id, asn, family);
ALTER TABLE ONLY public.fact_domain_facts
    ADD CONSTRAINT pk_fact_domain_facts PRIMARY KEY (snapshot_id, domain_id, category, fact_key);
ALTER TABLE ONLY public.fact_domain_summary
    ADD CONSTRAINT pk_fact_domain_summary PRIMARY KEY (snapshot_id, domain_id);
ALTER TABLE ONLY public.fact_ns_endpoints
    ADD CONSTRAINT pk_fact_ns_endpoints PRIMARY KEY (snapshot_id, domain_id, nameserver_id, address_id);
ALTER TABLE ONLY public.fact_tag_summary
    ADD CONSTRAINT pk_fact_tag_summary PRIMARY KEY (snapshot_id, domain_id, kind_id);
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT pk_idempotency_keys PRIMARY KEY (key);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (id);
ALTER TABLE ONLY public.metric_counters
    ADD CONSTRAINT pk_metric_counters PRIMARY KEY (name, label);
ALTER TABLE ONLY public.metric_followers
    ADD CONSTRAINT pk_metric_followers PRIMARY KEY (name);
ALTER TABLE ONLY public.metric_latencies
    ADD CONSTRAINT pk_metric_latencies PRIMARY KEY (resolution, start, source);
ALTER TABLE ONLY public.metric_slots
    ADD CONSTRAINT pk_metric_slots PRIMARY KEY (resolution, start);
ALTER TABLE ONLY public.module_outcome_kinds
    ADD CONSTRAINT pk_module_outcome_kinds PRIMARY KEY (kind_id, module_outcome_id);
ALTER TABLE ONLY public.module_outcomes
    ADD CONSTRAINT pk_module_outcomes PRIMARY KEY (id);
ALTER TABLE ONLY public.observed_zones
    ADD CONSTRAINT pk_observed_zones PRIMARY KEY (watch_id, domain);
ALTER TABLE ONLY public.operations
    ADD CONSTRAINT pk_operations PRIMARY KEY (id);
ALTER TABLE ONLY public.outcome_modules
    ADD CONSTRAINT pk_outcome_modules PRIMARY KEY (module_outcome_id, outcome_id);
ALTER TABLE ONLY public.outcomes
    ADD CONSTRAINT pk_outcomes PRIMARY KEY (id);
ALTER TABLE ONLY public.policies
    ADD CONSTRAINT pk_policies PRIMARY KEY (id);
ALTER TABLE ONLY public.profiles
    ADD CONSTRAINT pk_profiles PRIMARY KEY (id);
ALTER TABLE ONLY public.projection_claims
    ADD CONSTRAINT pk_projection_claims PRIMARY KEY (id);
ALTER TABLE ONLY public.projections
    ADD CONSTRAINT pk_projections PRIMARY KEY (snapshot_id, run_key);
ALTER TABLE ONLY public.purged_run_counters
    ADD CONSTRAINT pk_purged_run_counters PRIMARY KEY (batch_key, status, level, grade);
ALTER TABLE ONLY public.purged_snapshots
    ADD CONSTRAINT pk_purged_snapshots PRIMARY KEY (cohort_id, batch_key);
ALTER TABLE ONLY public.queue_pauses
    ADD CONSTRAINT pk_queue_pauses PRIMARY KEY (tier);
ALTER TABLE ONLY public.reference_lists
    ADD CONSTRAINT pk_reference_lists PRIMARY KEY (name);
ALTER TABLE ONLY public.registrations
    ADD CONSTRAINT pk_registrations PRIMARY KEY (domain);
ALTER TABLE ONLY public.rollover_spans
    ADD CONSTRAINT pk_rollover_spans PRIMARY KEY (key);
ALTER TABLE ONLY public.rst_checks
    ADD CONSTRAINT pk_rst_checks PRIMARY KEY (id);
ALTER TABLE ONLY public.run_counters
    ADD CONSTRAINT pk_run_counters PRIMARY KEY (batch_key, shard, status, level, grade);
ALTER TABLE ONLY public.run_documents
    ADD CONSTRAINT pk_run_documents PRIMARY KEY (run_key);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT pk_runs PRIMARY KEY (key);
ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT pk_schedules PRIMARY KEY (id);
ALTER TABLE ONLY public.schema_compatibility
    ADD CONSTRAINT pk_schema_compatibility PRIMARY KEY (revision);
ALTER TABLE ONLY public.settings
    ADD CONSTRAINT pk_settings PRIMARY KEY (key);
ALTER TABLE ONLY public.share_links
    ADD CONSTRAINT pk_share_links PRIMARY KEY (digest);
ALTER TABLE ONLY public.snapshot_asns
    ADD CONSTRAINT pk_snapshot_asns PRIMARY KEY (view_id, "position");
ALTER TABLE ONLY public.snapshot_comparisons
    ADD CONSTRAINT pk_snapshot_comparisons PRIMARY KEY (id);
ALTER TABLE ONLY public.snapshot_domains
    ADD CONSTRAINT pk_snapshot_domains PRIMARY KEY (view_id, "position");
ALTER TABLE ONLY public.snapshot_endpoints
    ADD CONSTRAINT pk_snapshot_endpoints PRIMARY KEY (view_id, "position");
ALTER TABLE ONLY public.snapshot_members
    ADD CONSTRAINT pk_snapshot_members PRIMARY KEY (view_id, owner, "position", member);
ALTER TABLE ONLY public.snapshot_nameservers
    ADD CONSTRAINT pk_snapshot_nameservers PRIMARY KEY (view_id, "position");
ALTER TABLE ONLY public.snapshot_overviews
    ADD CONSTRAINT pk_snapshot_overviews PRIMARY KEY (view_id);
ALTER TABLE ONLY public.snapshot_prefixes
    ADD CONSTRAINT pk_snapshot_prefixes PRIMARY KEY (view_id, "position");
ALTER TABLE ONLY public.snapshot_tags
    ADD CONSTRAINT pk_snapshot_tags PRIMARY KEY (view_id, "position");
ALTER TABLE ONLY public.snapshot_testcases
    ADD CONSTRAINT pk_snapshot_testcases PRIMARY KEY (view_id, "position");
ALTER TABLE ONLY public.snapshot_views
    ADD CONSTRAINT pk_snapshot_views PRIMARY KEY (id);
ALTER TABLE ONLY public.tag_summaries
    ADD CONSTRAINT pk_tag_summaries PRIMARY KEY (tag);
ALTER TABLE ONLY public.tag_value_tables
    ADD CONSTRAINT pk_tag_value_tables PRIMARY KEY (batch_key, tag, argument);
ALTER TABLE ONLY public.tags
    ADD CONSTRAINT pk_tags PRIMARY KEY (name);
ALTER TABLE ONLY public.vocabularies
    ADD CONSTRAINT pk_vocabularies PRIMARY KEY (id);
ALTER TABLE ONLY public.watch_digests
    ADD CONSTRAINT pk_watch_digests PRIMARY KEY (watch_id, batch_key);
ALTER TABLE ONLY public.watch_notes
    ADD CONSTRAINT pk_watch_notes PRIMARY KEY (id);
ALTER TABLE ONLY public.watch_states
    ADD CONSTRAINT pk_watch_states PRIMARY KEY (name);
ALTER TABLE ONLY public.watched_batches
    ADD CONSTRAINT pk_watched_batches PRIMARY KEY (batch_key);
ALTER TABLE ONLY public.watches
    ADD CONSTRAINT pk_watches PRIMARY KEY (id);
ALTER TABLE ONLY public.analysis_addresses
    ADD CONSTRAINT uq_analysis_addresses_address UNIQUE (address);
ALTER TABLE ONLY public.analysis_files
    ADD CONSTRAINT uq_analysis_files_name UNIQUE (name);
ALTER TABLE ONLY public.analysis_nameservers
    ADD CONSTRAINT uq_analysis_nameservers_name UNIQUE (name);
ALTER TABLE ONLY public.analysis_prefixes
    ADD CONSTRAINT uq_analysis_prefixes_prefix UNIQUE (prefix);
ALTER TABLE ONLY public.batches
    ADD CONSTRAINT uq_batches_id UNIQUE (id);
ALTER TABLE ONLY public.cause_sets
    ADD CONSTRAINT uq_cause_sets_causes UNIQUE (causes);
ALTER TABLE ONLY public.cohort_snapshots
    ADD CONSTRAINT uq_cohort_snapshots_cohort_id_batch_key UNIQUE (cohort_id, batch_key);
ALTER TABLE ONLY public.cohort_snapshots
    ADD CONSTRAINT uq_cohort_snapshots_cohort_id_slug UNIQUE (cohort_id, slug);
ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT uq_cohorts_source_tag UNIQUE (source_tag);
ALTER TABLE ONLY public.domains
    ADD CONSTRAINT uq_domains_name UNIQUE (name);
ALTER TABLE ONLY public.effective_profiles
    ADD CONSTRAINT uq_effective_profiles_digest UNIQUE (digest);
ALTER TABLE ONLY public.entry_kinds
    ADD CONSTRAINT uq_entry_kinds_module_testcase_tag_level UNIQUE (module, testcase, tag, level);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT uq_jobs_public_id UNIQUE (public_id);
ALTER TABLE ONLY public.module_outcomes
    ADD CONSTRAINT uq_module_outcomes_digest UNIQUE (digest);
ALTER TABLE ONLY public.outcomes
    ADD CONSTRAINT uq_outcomes_digest UNIQUE (digest);
ALTER TABLE ONLY public.policies
    ADD CONSTRAINT uq_policies_name_version UNIQUE (name, version);
ALTER TABLE ONLY public.profiles
    ADD CONSTRAINT uq_profiles_name UNIQUE (name);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT uq_runs_id UNIQUE (id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT uq_runs_public_id UNIQUE (public_id);
ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT uq_schedules_cohort_id UNIQUE (cohort_id);
ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT uq_schedules_tag UNIQUE (tag);
ALTER TABLE ONLY public.snapshot_comparisons
    ADD CONSTRAINT uq_snapshot_comparisons_from_view_id_to_view_id UNIQUE (from_view_id, to_view_id);
ALTER TABLE ONLY public.vocabularies
    ADD CONSTRAINT uq_vocabularies_digest UNIQUE (digest);
CREATE INDEX ix_access_sessions_expires_at ON public.access_sessions USING btree (expires_at);
CREATE INDEX ix_access_sessions_token_digest ON public.access_sessions USING btree (token_digest);
CREATE INDEX ix_analysis_files_snapshot_id_kind ON public.analysis_files USING btree (snapshot_id, kind);
CREATE INDEX ix_analysis_files_view_id ON public.analysis_files USING btree (view_id);
CREATE INDEX ix_attempt_logs_ended_at ON public.attempt_logs USING btree (ended_at);
CREATE INDEX ix_audit_action ON public.audit USING btree (action);
CREATE INDEX ix_audit_at ON public.audit USING btree (at);
CREATE INDEX ix_batch_numbers_batch_key ON public.batch_numbers USING btree (batch_key);
CREATE INDEX ix_batches_created_at ON public.batches USING btree (created_at);
CREATE INDEX ix_batches_domain_count ON public.batches USING btree (domain_count);
CREATE INDEX ix_batches_intent ON public.batches USING btree (key) WHERE snapshot_intent;
CREATE INDEX ix_batches_tag ON public.batches USING btree (tag);
CREATE INDEX ix_cds_decisions_decided_at ON public.cds_decisions USING btree (decided_at);
CREATE INDEX ix_cds_decisions_domain ON public.cds_decisions USING btree (domain);
CREATE INDEX ix_cds_decisions_watch_id ON public.cds_decisions USING btree (watch_id);
CREATE INDEX ix_cohort_snapshots_batch_key ON public.cohort_snapshots USING btree (batch_key);
CREATE INDEX ix_cohort_snapshots_cohort_id_status_captured_at ON public.cohort_snapshots USING btree (cohort_id, status, captured_at);
CREATE INDEX ix_cohort_snapshots_profile_id ON public.cohort_snapshots USING btree (profile_id);
CREATE INDEX ix_cohort_snapshots_view_id ON public.cohort_snapshots USING btree (view_id);
CREATE INDEX ix_cohort_snapshots_vocabulary_id ON public.cohort_snapshots USING btree (vocabulary_id);
CREATE INDEX ix_cohorts_default_snapshot_id ON public.cohorts USING btree (default_snapshot_id);
CREATE INDEX ix_deliveries_finished_at ON public.deliveries USING btree (finished_at);
CREATE INDEX ix_deliveries_status_next_attempt_at ON public.deliveries USING btree (status, next_attempt_at);
CREATE INDEX ix_deliveries_watch_id_created_at ON public.deliveries USING btree (watch_id, created_at);
CREATE INDEX ix_domain_run_counts_by_count ON public.domain_run_counts USING btree (run_count, name, latest_level, domain_id);
CREATE INDEX ix_domain_tags_tag_domain_id ON public.domain_tags USING btree (tag, domain_id);
CREATE INDEX ix_domains_by_latest_run ON public.domains USING btree (latest_run_id, latest_outcome_id, id);
CREATE INDEX ix_domains_by_level ON public.domains USING btree (latest_level, name, id);
CREATE INDEX ix_domains_by_run_at ON public.domains USING btree (latest_run_at, name, latest_level, id);
CREATE INDEX ix_domains_by_score ON public.domains USING btree (latest_score, name, latest_level, id);
CREATE INDEX ix_idempotency_keys_created_at ON public.idempotency_keys USING btree (created_at);
CREATE INDEX ix_jobs_batch_id ON public.jobs USING btree (batch_id);
CREATE INDEX ix_jobs_created_at ON public.jobs USING btree (created_at);
CREATE INDEX ix_jobs_expires_at ON public.jobs USING btree (expires_at) WHERE (expires_at IS NOT NULL);
CREATE INDEX ix_jobs_priority_position ON public.jobs USING btree (priority, "position");
CREATE INDEX ix_jobs_profile_id ON public.jobs USING btree (profile_id) WHERE (profile_id IS NOT NULL);
CREATE INDEX ix_jobs_status_lease_until ON public.jobs USING btree (status, lease_until);
CREATE INDEX ix_module_outcome_kinds_module_outcome_id ON public.module_outcome_kinds USING btree (module_outcome_id);
CREATE INDEX ix_observed_zones_domain ON public.observed_zones USING btree (domain);
CREATE INDEX ix_observed_zones_next_at ON public.observed_zones USING btree (next_at);
CREATE INDEX ix_operations_audit_id ON public.operations USING btree (audit_id);
CREATE INDEX ix_operations_created_at ON public.operations USING btree (created_at);
CREATE INDEX ix_operations_status_created_at ON public.operations USING btree (status, created_at);
CREATE INDEX ix_outcome_modules_outcome_id ON public.outcome_modules USING btree (outcome_id);
CREATE INDEX ix_projection_claims_snapshot_id ON public.projection_claims USING btree (snapshot_id);
CREATE INDEX ix_purged_snapshots_batch_key ON public.purged_snapshots USING btree (batch_key);
CREATE INDEX ix_registrations_tried_at ON public.registrations USING btree (tried_at);
CREATE INDEX ix_rollover_spans_watch_id ON public.rollover_spans USING btree (watch_id);
CREATE INDEX ix_rst_checks_created_at ON public.rst_checks USING btree (created_at);
CREATE INDEX ix_runs_by_batch_down_reversed ON public.runs USING btree (batch_key NULLS FIRST, finished_at, id DESC, created_at, status, worst_level, grade, domain_id, outcome_id);
CREATE INDEX ix_runs_by_batch_up_reversed ON public.runs USING btree (batch_key DESC NULLS LAST, finished_at, id DESC, created_at, status, worst_level, grade, domain_id, outcome_id, domain);
CREATE INDEX ix_runs_by_begun_reversed ON public.runs USING btree (begun_at, created_at, id DESC, finished_at, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_created ON public.runs USING btree (created_at DESC, id, finished_at, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_critical_count ON public.runs USING btree (sev_critical DESC, sev_severe DESC, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id) WHERE (sev_critical > 0);
CREATE INDEX ix_runs_by_domain ON public.runs USING btree (domain, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_duration_down ON public.runs USING btree (duration_ms DESC NULLS LAST, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_entries_up ON public.runs USING btree (entry_count, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_error ON public.runs USING btree (sev_severe DESC, sev_critical DESC, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_finished_reversed ON public.runs USING btree (finished_at, id DESC, created_at, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_id ON public.runs USING btree (id, outcome_id, key, domain_id, batch_key);
CREATE INDEX ix_runs_by_rank_up ON public.runs USING btree (worst_rank, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_score_down ON public.runs USING btree (score DESC NULLS LAST, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_verdict ON public.runs USING btree (verdict, finished_at DESC, id, policy, batch_key) WHERE (verdict IS NOT NULL);
CREATE INDEX ix_runs_cause_set_id_finished_at ON public.runs USING btree (cause_set_id, finished_at);
CREATE INDEX ix_runs_domain_id_finished_at ON public.runs USING btree (domain_id, finished_at);
CREATE INDEX ix_runs_effective_profile_id ON public.runs USING btree (effective_profile_id);
CREATE INDEX ix_runs_grade_finished_at ON public.runs USING btree (grade, finished_at);
CREATE INDEX ix_runs_in_batch_by_domain ON public.runs USING btree (batch_key, domain, findings_hash, status) WHERE (batch_key IS NOT NULL);
CREATE INDEX ix_runs_of_batch ON public.runs USING btree (batch_key, started_at);
CREATE INDEX ix_runs_of_batch_by_id ON public.runs USING btree (batch_key, id, outcome_id);
CREATE INDEX ix_runs_of_outcome ON public.runs USING btree (outcome_id, id);
CREATE INDEX ix_runs_profile_id ON public.runs USING btree (profile_id) WHERE (profile_id IS NOT NULL);
CREATE INDEX ix_runs_repeated ON public.runs USING btree (attempt, finished_at DESC) WHERE (attempt > 1);
CREATE INDEX ix_runs_unsuccessful ON public.runs USING btree (status, finished_at) WHERE (status <> 0);
CREATE INDEX ix_runs_verdicts_of_batch ON public.runs USING btree (batch_key, verdict) WHERE (verdict IS NOT NULL);
CREATE INDEX ix_runs_worst_level_finished_at ON public.runs USING btree (worst_level, finished_at);
CREATE INDEX ix_schedules_last_batch_id ON public.schedules USING btree (last_batch_id);
CREATE INDEX ix_schedules_next_run_at ON public.schedules USING btree (next_run_at);
CREATE INDEX ix_schedules_profile_id ON public.schedules USING btree (profile_id);
CREATE INDEX ix_settings_updated_at ON public.settings USING btree (updated_at);
CREATE INDEX ix_share_links_expires_at ON public.share_links USING btree (expires_at);
CREATE INDEX ix_share_links_run_key ON public.share_links USING btree (run_key);
CREATE UNIQUE INDEX ix_snapshot_asns_asn ON public.snapshot_asns USING btree (view_id, asn);
CREATE INDEX ix_snapshot_comparisons_made_at ON public.snapshot_comparisons USING btree (made_at);
CREATE INDEX ix_snapshot_comparisons_to_view_id ON public.snapshot_comparisons USING btree (to_view_id);
CREATE INDEX ix_snapshot_domains_asn_count ON public.snapshot_domains USING btree (view_id, asn_count, "position");
CREATE INDEX ix_snapshot_domains_endpoint_count ON public.snapshot_domains USING btree (view_id, endpoint_count, "position");
CREATE UNIQUE INDEX ix_snapshot_domains_name ON public.snapshot_domains USING btree (view_id, name);
CREATE INDEX ix_snapshot_domains_nameserver_count ON public.snapshot_domains USING btree (view_id, nameserver_count, "position");
CREATE INDEX ix_snapshot_domains_prefix_count ON public.snapshot_domains USING btree (view_id, prefix_count, "position");
CREATE INDEX ix_snapshot_domains_score ON public.snapshot_domains USING btree (view_id, score, "position");
CREATE INDEX ix_snapshot_domains_worst_level ON public.snapshot_domains USING btree (view_id, worst_level, "position");
CREATE INDEX ix_snapshot_endpoints_address ON public.snapshot_endpoints USING btree (view_id, address_order, "position");
CREATE INDEX ix_snapshot_endpoints_domain_count ON public.snapshot_endpoints USING btree (view_id, domain_count, "position");
CREATE INDEX ix_snapshot_endpoints_operator ON public.snapshot_endpoints USING btree (view_id, operator, "position");
CREATE INDEX ix_snapshot_endpoints_prefix ON public.snapshot_endpoints USING btree (view_id, prefix, "position");
CREATE INDEX ix_snapshot_nameservers_domain_count ON public.snapshot_nameservers USING btree (view_id, domain_count, "position");
CREATE INDEX ix_snapshot_nameservers_endpoint_count ON public.snapshot_nameservers USING btree (view_id, endpoint_count, "position");
CREATE INDEX ix_snapshot_nameservers_latency_p50_ms ON public.snapshot_nameservers USING btree (view_id, latency_p50_ms, "position");
CREATE UNIQUE INDEX ix_snapshot_nameservers_name ON public.snapshot_nameservers USING btree (view_id, name);
CREATE INDEX ix_snapshot_prefixes_address_count ON public.snapshot_prefixes USING btree (view_id, address_count, "position");
CREATE INDEX ix_snapshot_prefixes_domain_count ON public.snapshot_prefixes USING btree (view_id, domain_count, "position");
CREATE UNIQUE INDEX ix_snapshot_prefixes_prefix ON public.snapshot_prefixes USING btree (view_id, prefix);
CREATE INDEX ix_snapshot_views_snapshot_id ON public.snapshot_views USING btree (snapshot_id);
CREATE INDEX ix_tags_default_profile_id ON public.tags USING btree (default_profile_id);
CREATE INDEX ix_watch_digests_batch_key ON public.watch_digests USING btree (batch_key);
CREATE INDEX ix_watches_domain ON public.watches USING btree (domain);
CREATE INDEX ix_watches_tag ON public.watches USING btree (tag);
CREATE UNIQUE INDEX uq_access_tokens_label ON public.access_tokens USING btree (label) WHERE (revoked_at IS NULL);
CREATE UNIQUE INDEX uq_cohorts_default ON public.cohorts USING btree (is_default) WHERE is_default;
ALTER TABLE ONLY public.analysis_files
    ADD CONSTRAINT fk_analysis_files_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.analysis_files
    ADD CONSTRAINT fk_analysis_files_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.batch_numbers
    ADD CONSTRAINT fk_batch_numbers_batch_key_batches FOREIGN KEY (batch_key) REFERENCES public.batches(key) ON DELETE CASCADE;
ALTER TABLE ONLY public.batch_statistics
    ADD CONSTRAINT fk_batch_statistics_batch_key FOREIGN KEY (batch_key) REFERENCES public.batches(key) ON DELETE CASCADE;
ALTER TABLE ONLY public.cds_decisions
    ADD CONSTRAINT fk_cds_decisions_watch_id_watches FOREIGN KEY (watch_id) REFERENCES public.watches(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.cohort_snapshots
    ADD CONSTRAINT fk_cohort_snapshots_batch_key FOREIGN KEY (batch_key) REFERENCES public.batches(key) ON DELETE SET NULL;
ALTER TABLE ONLY public.cohort_snapshots
    ADD CONSTRAINT fk_cohort_snapshots_cohort_id FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.cohort_snapshots
    ADD CONSTRAINT fk_cohort_snapshots_profile_id FOREIGN KEY (profile_id) REFERENCES public.profiles(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.cohort_snapshots
    ADD CONSTRAINT fk_cohort_snapshots_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.cohort_snapshots
    ADD CONSTRAINT fk_cohort_snapshots_vocabulary_id FOREIGN KEY (vocabulary_id) REFERENCES public.vocabularies(id);
ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT fk_cohorts_default_snapshot_id FOREIGN KEY (default_snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT fk_cohorts_source_tag FOREIGN KEY (source_tag) REFERENCES public.tags(name);
ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT fk_deliveries_watch_id FOREIGN KEY (watch_id) REFERENCES public.watches(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.domain_tags
    ADD CONSTRAINT fk_domain_tags_domain_id FOREIGN KEY (domain_id) REFERENCES public.domains(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.domain_tags
    ADD CONSTRAINT fk_domain_tags_tag FOREIGN KEY (tag) REFERENCES public.tags(name) ON DELETE CASCADE;
ALTER TABLE ONLY public.fact_address_asns
    ADD CONSTRAINT fk_fact_address_asns_address_id FOREIGN KEY (address_id) REFERENCES public.analysis_addresses(id);
ALTER TABLE ONLY public.fact_address_asns
    ADD CONSTRAINT fk_fact_address_asns_prefix_id FOREIGN KEY (prefix_id) REFERENCES public.analysis_prefixes(id);
ALTER TABLE ONLY public.fact_address_asns
    ADD CONSTRAINT fk_fact_address_asns_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.fact_domain_asns
    ADD CONSTRAINT fk_fact_domain_asns_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.fact_domain_facts
    ADD CONSTRAINT fk_fact_domain_facts_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.fact_domain_summary
    ADD CONSTRAINT fk_fact_domain_summary_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.fact_ns_endpoints
    ADD CONSTRAINT fk_fact_ns_endpoints_nameserver_id FOREIGN KEY (nameserver_id) REFERENCES public.analysis_nameservers(id);
ALTER TABLE ONLY public.fact_ns_endpoints
    ADD CONSTRAINT fk_fact_ns_endpoints_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.fact_tag_summary
    ADD CONSTRAINT fk_fact_tag_summary_kind_id FOREIGN KEY (kind_id) REFERENCES public.entry_kinds(id);
ALTER TABLE ONLY public.fact_tag_summary
    ADD CONSTRAINT fk_fact_tag_summary_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_batch_id FOREIGN KEY (batch_id) REFERENCES public.batches(id);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_domain_id FOREIGN KEY (domain_id) REFERENCES public.domains(id);
ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_profile_id FOREIGN KEY (profile_id) REFERENCES public.profiles(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.observed_zones
    ADD CONSTRAINT fk_observed_zones_watch_id_watches FOREIGN KEY (watch_id) REFERENCES public.watches(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.operations
    ADD CONSTRAINT fk_operations_audit_id FOREIGN KEY (audit_id) REFERENCES public.audit(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.projection_claims
    ADD CONSTRAINT fk_projection_claims_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.projections
    ADD CONSTRAINT fk_projections_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.purged_snapshots
    ADD CONSTRAINT fk_purged_snapshots_batch_key FOREIGN KEY (batch_key) REFERENCES public.batches(key) ON DELETE CASCADE;
ALTER TABLE ONLY public.purged_snapshots
    ADD CONSTRAINT fk_purged_snapshots_cohort_id FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.rollover_spans
    ADD CONSTRAINT fk_rollover_spans_watch_id_watches FOREIGN KEY (watch_id) REFERENCES public.watches(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.run_documents
    ADD CONSTRAINT fk_run_documents_run_key FOREIGN KEY (run_key) REFERENCES public.runs(key) ON DELETE CASCADE;
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_batch_key FOREIGN KEY (batch_key) REFERENCES public.batches(key);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_domain_id FOREIGN KEY (domain_id) REFERENCES public.domains(id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_effective_profile_id FOREIGN KEY (effective_profile_id) REFERENCES public.effective_profiles(id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_outcome_id FOREIGN KEY (outcome_id) REFERENCES public.outcomes(id);
ALTER TABLE ONLY public.runs
    ADD CONSTRAINT fk_runs_profile_id FOREIGN KEY (profile_id) REFERENCES public.profiles(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT fk_schedules_cohort_id FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT fk_schedules_last_batch_id FOREIGN KEY (last_batch_id) REFERENCES public.batches(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT fk_schedules_profile_id FOREIGN KEY (profile_id) REFERENCES public.profiles(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.schedules
    ADD CONSTRAINT fk_schedules_tag FOREIGN KEY (tag) REFERENCES public.tags(name) ON DELETE CASCADE;
ALTER TABLE ONLY public.share_links
    ADD CONSTRAINT fk_share_links_run_key_runs FOREIGN KEY (run_key) REFERENCES public.runs(key) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_asns
    ADD CONSTRAINT fk_snapshot_asns_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_comparisons
    ADD CONSTRAINT fk_snapshot_comparisons_from_view_id FOREIGN KEY (from_view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_comparisons
    ADD CONSTRAINT fk_snapshot_comparisons_to_view_id FOREIGN KEY (to_view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_domains
    ADD CONSTRAINT fk_snapshot_domains_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_endpoints
    ADD CONSTRAINT fk_snapshot_endpoints_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_members
    ADD CONSTRAINT fk_snapshot_members_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_nameservers
    ADD CONSTRAINT fk_snapshot_nameservers_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_overviews
    ADD CONSTRAINT fk_snapshot_overviews_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_prefixes
    ADD CONSTRAINT fk_snapshot_prefixes_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_tags
    ADD CONSTRAINT fk_snapshot_tags_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_testcases
    ADD CONSTRAINT fk_snapshot_testcases_view_id FOREIGN KEY (view_id) REFERENCES public.snapshot_views(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.snapshot_views
    ADD CONSTRAINT fk_snapshot_views_snapshot_id FOREIGN KEY (snapshot_id) REFERENCES public.cohort_snapshots(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.tag_summaries
    ADD CONSTRAINT fk_tag_summaries_tag FOREIGN KEY (tag) REFERENCES public.tags(name) ON DELETE CASCADE;
ALTER TABLE ONLY public.tag_value_tables
    ADD CONSTRAINT fk_tag_value_tables_batch_key FOREIGN KEY (batch_key) REFERENCES public.batch_statistics(batch_key) ON DELETE CASCADE;
ALTER TABLE ONLY public.tags
    ADD CONSTRAINT fk_tags_default_profile_id FOREIGN KEY (default_profile_id) REFERENCES public.profiles(id) ON DELETE SET NULL;
ALTER TABLE ONLY public.watch_digests
    ADD CONSTRAINT fk_watch_digests_watch_id FOREIGN KEY (watch_id) REFERENCES public.watches(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.watched_batches
    ADD CONSTRAINT fk_watched_batches_batch_key FOREIGN KEY (batch_key) REFERENCES public.batches(key) ON DELETE CASCADE;
