BEGIN TRANSACTION;
CREATE TABLE access_sessions (
	digest VARCHAR(71) NOT NULL, 
	token_digest VARCHAR(71) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_access_sessions PRIMARY KEY (digest)
);
CREATE TABLE access_token_uses (
	digest VARCHAR(71) NOT NULL, 
	last_used_at DATETIME NOT NULL, 
	CONSTRAINT pk_access_token_uses PRIMARY KEY (digest)
);
CREATE TABLE access_tokens (
	digest VARCHAR(71) NOT NULL, 
	label VARCHAR(64) NOT NULL, 
	scopes JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	revoked_at DATETIME, expires_at DATETIME, 
	CONSTRAINT pk_access_tokens PRIMARY KEY (digest)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0067');
CREATE TABLE analysis_addresses (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	address VARCHAR(45) NOT NULL, 
	family SMALLINT NOT NULL, 
	first_seen_at DATETIME NOT NULL, 
	last_seen_at DATETIME NOT NULL, 
	CONSTRAINT uq_analysis_addresses_address UNIQUE (address)
);
CREATE TABLE analysis_asns (
	asn BIGINT NOT NULL, 
	label TEXT NOT NULL, 
	first_seen_at DATETIME NOT NULL, 
	last_seen_at DATETIME NOT NULL, 
	label_tried_at DATETIME, 
	CONSTRAINT pk_analysis_asns PRIMARY KEY (asn)
);
CREATE TABLE analysis_files (
	id INTEGER NOT NULL, 
	snapshot_id INTEGER, 
	view_id INTEGER, 
	kind VARCHAR(32) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	rows BIGINT NOT NULL, 
	size BIGINT NOT NULL, 
	first_domain VARCHAR(253), 
	last_domain VARCHAR(253), 
	first_key BIGINT, 
	last_key BIGINT, 
	run_keys BLOB, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_analysis_files PRIMARY KEY (id), 
	CONSTRAINT fk_analysis_files_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE SET NULL, 
	CONSTRAINT fk_analysis_files_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE, 
	CONSTRAINT uq_analysis_files_name UNIQUE (name)
);
CREATE TABLE analysis_nameservers (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(255) NOT NULL, 
	first_seen_at DATETIME NOT NULL, 
	last_seen_at DATETIME NOT NULL, 
	CONSTRAINT uq_analysis_nameservers_name UNIQUE (name)
);
CREATE TABLE analysis_prefixes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	prefix VARCHAR(49) NOT NULL, 
	family SMALLINT NOT NULL, 
	first_seen_at DATETIME NOT NULL, 
	last_seen_at DATETIME NOT NULL, 
	CONSTRAINT uq_analysis_prefixes_prefix UNIQUE (prefix)
);
CREATE TABLE attempt_logs (
	job_id VARCHAR(40) NOT NULL, 
	attempt SMALLINT NOT NULL, 
	worker VARCHAR(255) NOT NULL, 
	ended_at DATETIME NOT NULL, 
	lines JSON NOT NULL, 
	CONSTRAINT pk_attempt_logs PRIMARY KEY (job_id, attempt)
);
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	who TEXT NOT NULL, 
	action VARCHAR(64) NOT NULL, 
	target TEXT NOT NULL, 
	count INTEGER NOT NULL, 
	details JSON NOT NULL, 
	CONSTRAINT pk_audit PRIMARY KEY (id)
);
CREATE TABLE batch_numbers (
	number BIGINT NOT NULL, 
	batch_key INTEGER NOT NULL, 
	CONSTRAINT pk_batch_numbers PRIMARY KEY (number), 
	CONSTRAINT fk_batch_numbers_batch_key_batches FOREIGN KEY(batch_key) REFERENCES batches ("key") ON DELETE CASCADE
);
CREATE TABLE batch_statistics (
	batch_key BIGINT NOT NULL, 
	signature BLOB NOT NULL, 
	made_at DATETIME NOT NULL, 
	CONSTRAINT pk_batch_statistics PRIMARY KEY (batch_key), 
	CONSTRAINT fk_batch_statistics_batch_key FOREIGN KEY(batch_key) REFERENCES batches ("key") ON DELETE CASCADE
);
CREATE TABLE batches (
	"key" INTEGER NOT NULL, 
	id VARCHAR(40) NOT NULL, 
	tag VARCHAR(255) NOT NULL, 
	created_at DATETIME NOT NULL, 
	domain_count INTEGER NOT NULL, 
	description TEXT NOT NULL, 
	snapshot_intent BOOLEAN NOT NULL, 
	promote_snapshot BOOLEAN DEFAULT 0 NOT NULL, 
	origin VARCHAR(16) NOT NULL, name TEXT DEFAULT '' NOT NULL, tags TEXT DEFAULT '' NOT NULL, keep VARCHAR(16) DEFAULT 'full' NOT NULL, reduced_runs INTEGER DEFAULT '0' NOT NULL, reduced_revision BIGINT DEFAULT '-1' NOT NULL, 
	CONSTRAINT pk_batches PRIMARY KEY ("key"), 
	CONSTRAINT uq_batches_id UNIQUE (id)
);
INSERT INTO "batches" VALUES(-2319089887593100058,'batch_8E1gV27LsmcufgXPFBy','','2026-11-25 12:00:00.000000',2,'',0,0,'','','','full',0,-1);
CREATE TABLE cause_sets (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	causes TEXT NOT NULL, 
	CONSTRAINT uq_cause_sets_causes UNIQUE (causes)
);
CREATE TABLE cds_decisions (
	"key" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	watch_id BIGINT, 
	domain VARCHAR(253) NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	reason VARCHAR(32) NOT NULL, 
	ds JSON NOT NULL, 
	current_ds JSON NOT NULL, 
	decided_at DATETIME NOT NULL, 
	evidence BLOB NOT NULL, 
	CONSTRAINT fk_cds_decisions_watch_id_watches FOREIGN KEY(watch_id) REFERENCES watches (id) ON DELETE SET NULL
);
CREATE TABLE cohort_snapshots (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	cohort_id INTEGER, 
	batch_key BIGINT, 
	slug VARCHAR(64) NOT NULL, 
	label TEXT NOT NULL, 
	description TEXT NOT NULL, 
	profile_id INTEGER, 
	profile_name TEXT NOT NULL, 
	engine_version TEXT NOT NULL, 
	mixed_engine_version BOOLEAN NOT NULL, 
	scoring_config_hash VARCHAR(64) NOT NULL, 
	vocabulary_id INTEGER, 
	captured_at DATETIME, 
	first_run_at DATETIME, 
	last_run_at DATETIME, 
	run_count INTEGER NOT NULL, 
	domain_count INTEGER NOT NULL, 
	status VARCHAR(32) NOT NULL, 
	is_public BOOLEAN NOT NULL, 
	tag_view_min_level VARCHAR(8) NOT NULL, 
	materialization_status VARCHAR(16) NOT NULL, 
	materialization_done INTEGER NOT NULL, 
	materialization_total INTEGER NOT NULL, 
	last_materialization_error TEXT NOT NULL, 
	last_materialized_at DATETIME, 
	seen_runs BIGINT NOT NULL, 
	facts_revision INTEGER NOT NULL, 
	captured_revision INTEGER NOT NULL, 
	view_id INTEGER, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, coverage INTEGER, default_allowed BOOLEAN DEFAULT 1 NOT NULL, score_rule SMALLINT, storage VARCHAR(8) DEFAULT 'rows' NOT NULL, reduced_key BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT fk_cohort_snapshots_batch_key FOREIGN KEY(batch_key) REFERENCES batches ("key") ON DELETE SET NULL, 
	CONSTRAINT fk_cohort_snapshots_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohorts (id) ON DELETE SET NULL, 
	CONSTRAINT fk_cohort_snapshots_profile_id FOREIGN KEY(profile_id) REFERENCES profiles (id) ON DELETE SET NULL, 
	CONSTRAINT fk_cohort_snapshots_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE SET NULL, 
	CONSTRAINT fk_cohort_snapshots_vocabulary_id FOREIGN KEY(vocabulary_id) REFERENCES vocabularies (id), 
	CONSTRAINT uq_cohort_snapshots_cohort_id_batch_key UNIQUE (cohort_id, batch_key), 
	CONSTRAINT uq_cohort_snapshots_cohort_id_slug UNIQUE (cohort_id, slug)
);
CREATE TABLE cohorts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	source_type VARCHAR(16) NOT NULL, 
	source_tag VARCHAR(255) NOT NULL, 
	label TEXT NOT NULL, 
	description TEXT NOT NULL, 
	analysis_enabled BOOLEAN NOT NULL, 
	public_enabled BOOLEAN NOT NULL, 
	is_default BOOLEAN NOT NULL, 
	sort_order INTEGER NOT NULL, 
	materialization_status VARCHAR(16) NOT NULL, 
	materialization_done INTEGER NOT NULL, 
	materialization_total INTEGER NOT NULL, 
	last_materialized_at DATETIME, 
	last_materialization_error TEXT NOT NULL, 
	default_snapshot_policy VARCHAR(16) NOT NULL, 
	default_snapshot_id INTEGER, 
	tag_view_min_level VARCHAR(8) NOT NULL, 
	reference_list VARCHAR(32) NOT NULL, 
	generation INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, coverage INTEGER, keep VARCHAR(16), 
	CONSTRAINT fk_cohorts_default_snapshot_id FOREIGN KEY(default_snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE SET NULL, 
	CONSTRAINT fk_cohorts_source_tag FOREIGN KEY(source_tag) REFERENCES tags (name), 
	CONSTRAINT uq_cohorts_source_tag UNIQUE (source_tag)
);
CREATE TABLE deliveries (
	id VARCHAR(40) NOT NULL, 
	watch_id INTEGER NOT NULL, 
	event VARCHAR(32) NOT NULL, 
	event_count INTEGER NOT NULL, 
	body BLOB, 
	status VARCHAR(16) NOT NULL, 
	attempts INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	next_attempt_at DATETIME NOT NULL, 
	last_attempt_at DATETIME, 
	finished_at DATETIME, 
	duration_ms INTEGER, 
	response_status SMALLINT, 
	error TEXT NOT NULL, 
	worker VARCHAR(255), 
	lease_until DATETIME, 
	CONSTRAINT pk_deliveries PRIMARY KEY (id), 
	CONSTRAINT fk_deliveries_watch_id FOREIGN KEY(watch_id) REFERENCES watches (id) ON DELETE CASCADE
);
CREATE TABLE domain_run_counts (
	domain_id INTEGER NOT NULL, 
	run_count INTEGER NOT NULL, 
	name VARCHAR(253) NOT NULL, 
	latest_level VARCHAR(8), 
	CONSTRAINT pk_domain_run_counts PRIMARY KEY (domain_id)
);
INSERT INTO "domain_run_counts" VALUES(1,1,'a.example','WARNING');
INSERT INTO "domain_run_counts" VALUES(2,1,'b.example','WARNING');
INSERT INTO "domain_run_counts" VALUES(3,1,'c.example','ERROR');
CREATE TABLE domain_tags (
	domain_id INTEGER NOT NULL, 
	tag VARCHAR(255) NOT NULL, 
	CONSTRAINT pk_domain_tags PRIMARY KEY (domain_id, tag), 
	CONSTRAINT fk_domain_tags_domain_id FOREIGN KEY(domain_id) REFERENCES domains (id) ON DELETE CASCADE, 
	CONSTRAINT fk_domain_tags_tag FOREIGN KEY(tag) REFERENCES tags (name) ON DELETE CASCADE
);
INSERT INTO "domain_tags" VALUES(3,'eu');
CREATE TABLE domains (
	id INTEGER NOT NULL, 
	name VARCHAR(253) NOT NULL, 
	created_at DATETIME NOT NULL, 
	run_count INTEGER NOT NULL, 
	latest_run_id VARCHAR(40), 
	latest_outcome_id INTEGER, 
	latest_run_at DATETIME, 
	latest_status VARCHAR(16), 
	latest_level VARCHAR(8), 
	latest_rank SMALLINT NOT NULL GENERATED ALWAYS AS (CASE latest_level WHEN 'CRITICAL' THEN 4 WHEN 'ERROR' THEN 3 WHEN 'WARNING' THEN 2 WHEN 'NOTICE' THEN 1 ELSE 0 END) STORED, 
	latest_score SMALLINT, 
	latest_grade VARCHAR(4), 
	CONSTRAINT pk_domains PRIMARY KEY (id), 
	CONSTRAINT uq_domains_name UNIQUE (name)
);
INSERT INTO "domains" VALUES(1,'a.example','2026-11-25 12:00:09.000000',1,'job_8E1gV2KC9GCi3wJmkaQ',1,'2026-11-25 12:00:09.000000','succeeded','WARNING',NULL,NULL);
INSERT INTO "domains" VALUES(2,'b.example','2026-11-25 12:00:09.000000',1,'job_8E1gV2ofs2PYxi6NdIM',1,'2026-11-25 12:00:09.000000','succeeded','WARNING',NULL,NULL);
INSERT INTO "domains" VALUES(3,'c.example','2026-11-25 12:00:00.000000',1,'job_8E1gV2ujoLMOyaix5M7',2,'2026-11-25 12:00:00.000000','succeeded','ERROR',NULL,NULL);
CREATE TABLE effective_profiles (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	digest VARCHAR(64) NOT NULL, 
	document BLOB NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT uq_effective_profiles_digest UNIQUE (digest)
);
INSERT INTO "effective_profiles" VALUES(1,'1e867cab57fce8cb9f682b344421c5e416bedbd1b3c87a5e76e1a42facd82529',X'01789CAB56CA4B2D51B2AA56CA2C283353B24A4BCC294EADAD0500550707C4','2026-11-25 12:00:00.000000');
CREATE TABLE entry_kinds (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	module VARCHAR(32) NOT NULL, 
	testcase VARCHAR(32) NOT NULL, 
	tag VARCHAR(64) NOT NULL, 
	level VARCHAR(8) NOT NULL, 
	CONSTRAINT uq_entry_kinds_module_testcase_tag_level UNIQUE (module, testcase, tag, level)
);
INSERT INTO "entry_kinds" VALUES(1,'BASIC','basic01','B01_CHILD_FOUND','INFO');
INSERT INTO "entry_kinds" VALUES(2,'BASIC','basic01','B01_CHILD_FOUND','WARNING');
INSERT INTO "entry_kinds" VALUES(3,'BASIC','basic01','B01_CHILD_FOUND','ERROR');
CREATE TABLE fact_address_asns (
	snapshot_id INTEGER NOT NULL, 
	domain_id INTEGER NOT NULL, 
	address_id INTEGER NOT NULL, 
	asn BIGINT NOT NULL, 
	prefix_id INTEGER, 
	lookup_status SMALLINT NOT NULL, 
	CONSTRAINT pk_fact_address_asns PRIMARY KEY (snapshot_id, domain_id, address_id, asn), 
	CONSTRAINT fk_fact_address_asns_address_id FOREIGN KEY(address_id) REFERENCES analysis_addresses (id), 
	CONSTRAINT fk_fact_address_asns_prefix_id FOREIGN KEY(prefix_id) REFERENCES analysis_prefixes (id), 
	CONSTRAINT fk_fact_address_asns_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE fact_domain_asns (
	snapshot_id INTEGER NOT NULL, 
	domain_id INTEGER NOT NULL, 
	asn BIGINT NOT NULL, 
	family SMALLINT NOT NULL, 
	CONSTRAINT pk_fact_domain_asns PRIMARY KEY (snapshot_id, domain_id, asn, family), 
	CONSTRAINT fk_fact_domain_asns_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE fact_domain_facts (
	snapshot_id INTEGER NOT NULL, 
	domain_id INTEGER NOT NULL, 
	category SMALLINT NOT NULL, 
	fact_key VARCHAR(255) NOT NULL, 
	value_num INTEGER, 
	CONSTRAINT pk_fact_domain_facts PRIMARY KEY (snapshot_id, domain_id, category, fact_key), 
	CONSTRAINT fk_fact_domain_facts_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE fact_domain_summary (
	snapshot_id INTEGER NOT NULL, 
	domain_id INTEGER NOT NULL, 
	name VARCHAR(253) NOT NULL, 
	run_key BIGINT NOT NULL, 
	run_id VARCHAR(40) NOT NULL, 
	finished_at DATETIME NOT NULL, 
	score SMALLINT, 
	grade VARCHAR(4), 
	worst_level SMALLINT, 
	nameserver_count INTEGER NOT NULL, 
	endpoint_count INTEGER NOT NULL, 
	asn_count INTEGER NOT NULL, 
	prefix_count INTEGER NOT NULL, 
	ipv4_ns_count INTEGER NOT NULL, 
	ipv6_ns_count INTEGER NOT NULL, 
	engine_version VARCHAR(64) NOT NULL, 
	effective_profile_id INTEGER, 
	profile_id INTEGER, 
	profile_name TEXT NOT NULL, cause_set_id INTEGER, 
	CONSTRAINT pk_fact_domain_summary PRIMARY KEY (snapshot_id, domain_id), 
	CONSTRAINT fk_fact_domain_summary_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE CASCADE
);
CREATE TABLE fact_ns_endpoints (
	snapshot_id INTEGER NOT NULL, 
	domain_id INTEGER NOT NULL, 
	nameserver_id INTEGER NOT NULL, 
	address_id INTEGER NOT NULL, 
	source SMALLINT NOT NULL, 
	avg_ms FLOAT, 
	min_ms FLOAT, 
	max_ms FLOAT, 
	query_count INTEGER NOT NULL, 
	unreachable BOOLEAN NOT NULL, 
	CONSTRAINT pk_fact_ns_endpoints PRIMARY KEY (snapshot_id, domain_id, nameserver_id, address_id), 
	CONSTRAINT fk_fact_ns_endpoints_nameserver_id FOREIGN KEY(nameserver_id) REFERENCES analysis_nameservers (id), 
	CONSTRAINT fk_fact_ns_endpoints_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE fact_tag_summary (
	snapshot_id INTEGER NOT NULL, 
	domain_id INTEGER NOT NULL, 
	kind_id INTEGER NOT NULL, 
	occurrence_count INTEGER NOT NULL, 
	CONSTRAINT pk_fact_tag_summary PRIMARY KEY (snapshot_id, domain_id, kind_id), 
	CONSTRAINT fk_fact_tag_summary_kind_id FOREIGN KEY(kind_id) REFERENCES entry_kinds (id), 
	CONSTRAINT fk_fact_tag_summary_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE idempotency_keys (
	"key" VARCHAR(255) NOT NULL, 
	request_hash VARCHAR(64) NOT NULL, 
	status_code SMALLINT NOT NULL, 
	response JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_idempotency_keys PRIMARY KEY ("key")
);
CREATE TABLE jobs (
	id VARCHAR(40) NOT NULL, 
	public_id VARCHAR(12), 
	domain VARCHAR(253) NOT NULL, 
	domain_id INTEGER, 
	batch_id VARCHAR(40), 
	status VARCHAR(16) NOT NULL, 
	priority SMALLINT NOT NULL, 
	position BIGINT NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	expires_at DATETIME, 
	progress SMALLINT NOT NULL, 
	error TEXT NOT NULL, 
	attempt SMALLINT NOT NULL, 
	releases SMALLINT NOT NULL, 
	worker VARCHAR(255), 
	lease_until DATETIME, 
	cancel_requested_at DATETIME, 
	profile TEXT NOT NULL, 
	profile_id INTEGER, 
	profile_name TEXT NOT NULL, 
	config JSON NOT NULL, 
	CONSTRAINT pk_jobs PRIMARY KEY (id), 
	CONSTRAINT fk_jobs_batch_id FOREIGN KEY(batch_id) REFERENCES batches (id), 
	CONSTRAINT fk_jobs_domain_id FOREIGN KEY(domain_id) REFERENCES domains (id), 
	CONSTRAINT fk_jobs_profile_id FOREIGN KEY(profile_id) REFERENCES profiles (id) ON DELETE SET NULL, 
	CONSTRAINT uq_jobs_public_id UNIQUE (public_id)
);
INSERT INTO "jobs" VALUES('job_8E1gV34sk2S0Kh7jHmV',NULL,'d.example',NULL,NULL,'queued',0,8388608,'2026-11-25 12:00:00.000000',NULL,NULL,0,'',0,0,NULL,NULL,NULL,'',NULL,'','{}');
CREATE TABLE metric_counters (
	name VARCHAR(32) NOT NULL, 
	label VARCHAR(255) NOT NULL, 
	value BIGINT NOT NULL, 
	CONSTRAINT pk_metric_counters PRIMARY KEY (name, label)
)
 WITHOUT ROWID

;
CREATE TABLE metric_followers (
	name VARCHAR(16) NOT NULL, 
	seen BIGINT NOT NULL, 
	holes JSON NOT NULL, 
	domains JSON NOT NULL, 
	batches JSON NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_metric_followers PRIMARY KEY (name)
);
CREATE TABLE metric_latencies (
	resolution SMALLINT NOT NULL, 
	start BIGINT NOT NULL, 
	source VARCHAR(40) NOT NULL, 
	routes JSON NOT NULL, 
	CONSTRAINT pk_metric_latencies PRIMARY KEY (resolution, start, source)
)
 WITHOUT ROWID

;
CREATE TABLE metric_slots (
	resolution SMALLINT NOT NULL, 
	start BIGINT NOT NULL, 
	throughput INTEGER NOT NULL, 
	failed INTEGER NOT NULL, 
	queue_depth INTEGER, 
	dns_queries_ipv4 BIGINT NOT NULL, 
	dns_queries_ipv6 BIGINT NOT NULL, 
	cache_hits BIGINT NOT NULL, 
	cache_misses BIGINT NOT NULL, 
	sev_notice BIGINT NOT NULL, 
	sev_warning BIGINT NOT NULL, 
	sev_error BIGINT NOT NULL, 
	sev_critical BIGINT NOT NULL, 
	CONSTRAINT pk_metric_slots PRIMARY KEY (resolution, start)
)
 WITHOUT ROWID

;
CREATE TABLE module_outcome_kinds (
	kind_id INTEGER NOT NULL, 
	module_outcome_id INTEGER NOT NULL, 
	count INTEGER NOT NULL, 
	CONSTRAINT pk_module_outcome_kinds PRIMARY KEY (kind_id, module_outcome_id)
)
 WITHOUT ROWID

;
INSERT INTO "module_outcome_kinds" VALUES(1,1,1);
INSERT INTO "module_outcome_kinds" VALUES(2,1,1);
INSERT INTO "module_outcome_kinds" VALUES(3,2,1);
CREATE TABLE module_outcomes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	digest BLOB NOT NULL, 
	CONSTRAINT uq_module_outcomes_digest UNIQUE (digest)
);
INSERT INTO "module_outcomes" VALUES(1,X'6E70BBD341CA5010128294A059C4F646');
INSERT INTO "module_outcomes" VALUES(2,X'71B186B851E866E71BE237342976049A');
CREATE TABLE observed_zones (
	watch_id BIGINT NOT NULL, 
	domain VARCHAR(253) NOT NULL, 
	next_at DATETIME NOT NULL, 
	observed_at DATETIME, 
	state JSON NOT NULL, 
	CONSTRAINT pk_observed_zones PRIMARY KEY (watch_id, domain), 
	CONSTRAINT fk_observed_zones_watch_id_watches FOREIGN KEY(watch_id) REFERENCES watches (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE operations (
	id VARCHAR(40) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	target TEXT NOT NULL, 
	parameters JSON NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	done BIGINT NOT NULL, 
	total BIGINT NOT NULL, 
	result JSON, 
	error TEXT NOT NULL, 
	who TEXT NOT NULL, 
	audit_id INTEGER, 
	worker VARCHAR(255), 
	lease_until DATETIME, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	finished_at DATETIME, 
	CONSTRAINT pk_operations PRIMARY KEY (id), 
	CONSTRAINT fk_operations_audit_id FOREIGN KEY(audit_id) REFERENCES audit (id) ON DELETE SET NULL
);
CREATE TABLE outcome_modules (
	module_outcome_id INTEGER NOT NULL, 
	outcome_id INTEGER NOT NULL, 
	CONSTRAINT pk_outcome_modules PRIMARY KEY (module_outcome_id, outcome_id)
)
 WITHOUT ROWID

;
INSERT INTO "outcome_modules" VALUES(1,1);
INSERT INTO "outcome_modules" VALUES(2,2);
CREATE TABLE outcomes (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	digest BLOB NOT NULL, 
	kinds BLOB NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT uq_outcomes_digest UNIQUE (digest)
);
INSERT INTO "outcomes" VALUES(1,X'6E70BBD341CA5010128294A059C4F646',X'0102','2026-11-25 12:00:09.000000');
INSERT INTO "outcomes" VALUES(2,X'71B186B851E866E71BE237342976049A',X'03','2026-11-25 12:00:00.000000');
CREATE TABLE policies (
	id INTEGER NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	version INTEGER NOT NULL, 
	document JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(255) NOT NULL, 
	removed_at DATETIME, 
	CONSTRAINT pk_policies PRIMARY KEY (id), 
	CONSTRAINT uq_policies_name_version UNIQUE (name, version)
);
CREATE TABLE profiles (
	id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	description TEXT NOT NULL, 
	config JSON NOT NULL, 
	public BOOLEAN NOT NULL, 
	schema_version TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_profiles PRIMARY KEY (id), 
	CONSTRAINT uq_profiles_name UNIQUE (name)
);
CREATE TABLE projection_claims (
	id INTEGER NOT NULL, 
	snapshot_id INTEGER NOT NULL, 
	first_key BIGINT NOT NULL, 
	last_key BIGINT NOT NULL, 
	holder VARCHAR(32) NOT NULL, 
	lease_until DATETIME NOT NULL, 
	CONSTRAINT pk_projection_claims PRIMARY KEY (id), 
	CONSTRAINT fk_projection_claims_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE CASCADE
);
CREATE TABLE projections (
	snapshot_id INTEGER NOT NULL, 
	run_key BIGINT NOT NULL, 
	status SMALLINT NOT NULL, 
	projector_version SMALLINT NOT NULL, 
	error TEXT, 
	CONSTRAINT pk_projections PRIMARY KEY (snapshot_id, run_key), 
	CONSTRAINT fk_projections_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE purged_run_counters (
	batch_key BIGINT NOT NULL, 
	status SMALLINT NOT NULL, 
	level SMALLINT NOT NULL, 
	grade VARCHAR(4) NOT NULL, 
	runs BIGINT NOT NULL, 
	first_started_at DATETIME, 
	last_finished_at DATETIME NOT NULL, 
	CONSTRAINT pk_purged_run_counters PRIMARY KEY (batch_key, status, level, grade)
)
 WITHOUT ROWID

;
CREATE TABLE purged_snapshots (
	cohort_id INTEGER NOT NULL, 
	batch_key BIGINT NOT NULL, 
	CONSTRAINT pk_purged_snapshots PRIMARY KEY (cohort_id, batch_key), 
	CONSTRAINT fk_purged_snapshots_batch_key FOREIGN KEY(batch_key) REFERENCES batches ("key") ON DELETE CASCADE, 
	CONSTRAINT fk_purged_snapshots_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohorts (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE queue_pauses (
	tier VARCHAR(16) NOT NULL, 
	paused_by TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	until DATETIME, 
	CONSTRAINT pk_queue_pauses PRIMARY KEY (tier)
);
CREATE TABLE reference_lists (
	name VARCHAR(32) NOT NULL, 
	version VARCHAR(64) NOT NULL, 
	entries INTEGER NOT NULL, 
	content BLOB NOT NULL, 
	fetched_at DATETIME, 
	tried_at DATETIME NOT NULL, 
	last_error TEXT NOT NULL, 
	last_error_at DATETIME, 
	CONSTRAINT pk_reference_lists PRIMARY KEY (name)
);
CREATE TABLE registrations (
	domain VARCHAR(253) NOT NULL, 
	content BLOB NOT NULL, 
	source_url TEXT NOT NULL, 
	fetched_at DATETIME, 
	tried_at DATETIME NOT NULL, 
	last_error TEXT NOT NULL, 
	CONSTRAINT pk_registrations PRIMARY KEY (domain)
)
 WITHOUT ROWID

;
CREATE TABLE rollover_spans (
	"key" INTEGER NOT NULL, 
	watch_id BIGINT NOT NULL, 
	first_at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	samples INTEGER NOT NULL, 
	state JSON NOT NULL, 
	CONSTRAINT pk_rollover_spans PRIMARY KEY ("key"), 
	CONSTRAINT fk_rollover_spans_watch_id_watches FOREIGN KEY(watch_id) REFERENCES watches (id) ON DELETE CASCADE
);
CREATE TABLE rst_checks (
	id VARCHAR(40) NOT NULL, 
	created_at DATETIME NOT NULL, 
	job_ids JSON NOT NULL, 
	inputs BLOB NOT NULL, 
	CONSTRAINT pk_rst_checks PRIMARY KEY (id)
);
CREATE TABLE run_counters (
	batch_key BIGINT NOT NULL, 
	shard SMALLINT NOT NULL, 
	status SMALLINT NOT NULL, 
	level SMALLINT NOT NULL, 
	grade VARCHAR(4) NOT NULL, 
	runs BIGINT NOT NULL, 
	CONSTRAINT pk_run_counters PRIMARY KEY (batch_key, shard, status, level, grade)
)
 WITHOUT ROWID

;
INSERT INTO "run_counters" VALUES(-2319089887593100058,0,0,5,'',2);
INSERT INTO "run_counters" VALUES(0,0,0,5,'',2);
INSERT INTO "run_counters" VALUES(0,0,0,6,'',1);
CREATE TABLE run_documents (
	run_key INTEGER NOT NULL, 
	codec SMALLINT NOT NULL, 
	document BLOB NOT NULL, 
	CONSTRAINT pk_run_documents PRIMARY KEY (run_key), 
	CONSTRAINT fk_run_documents_run_key FOREIGN KEY(run_key) REFERENCES runs ("key") ON DELETE CASCADE
);
INSERT INTO "run_documents" VALUES(1,1,X'78BBBB132B1333008D710301171000000C8A019A');
INSERT INTO "run_documents" VALUES(2,1,X'78BBBB132B1333008D710301171000000C8A019A');
INSERT INTO "run_documents" VALUES(3,1,X'78BBBB132B1333E0E2E202000100004F');
CREATE TABLE runs (
	"key" INTEGER NOT NULL, 
	id VARCHAR(40) NOT NULL, 
	public_id VARCHAR(12), 
	domain VARCHAR(253) NOT NULL, 
	domain_id INTEGER NOT NULL, 
	batch_key BIGINT, 
	outcome_id INTEGER, 
	status SMALLINT NOT NULL, 
	priority SMALLINT NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	begun_at DATETIME NOT NULL GENERATED ALWAYS AS (coalesce(started_at, created_at)) STORED, 
	finished_at DATETIME NOT NULL, 
	duration_ms BIGINT, 
	attempt SMALLINT NOT NULL, 
	worker VARCHAR(255), 
	error TEXT NOT NULL, 
	sev_notice INTEGER NOT NULL, 
	sev_warning INTEGER NOT NULL, 
	sev_error INTEGER NOT NULL, 
	sev_critical INTEGER NOT NULL, 
	sev_severe INTEGER NOT NULL GENERATED ALWAYS AS (sev_error + sev_critical) STORED, 
	entry_count INTEGER NOT NULL, 
	worst_level SMALLINT, 
	worst_rank SMALLINT NOT NULL GENERATED ALWAYS AS (CASE WHEN worst_level > 3 THEN worst_level - 3 ELSE 0 END) STORED, 
	score SMALLINT, 
	grade VARCHAR(4), 
	findings_hash BIGINT, 
	profile TEXT NOT NULL, 
	profile_id INTEGER, 
	profile_name TEXT NOT NULL, 
	effective_profile_id INTEGER, 
	config JSON NOT NULL, score_rule SMALLINT, cause_set_id INTEGER, policy VARCHAR(64), policy_version VARCHAR(32), verdict SMALLINT, 
	CONSTRAINT pk_runs PRIMARY KEY ("key"), 
	CONSTRAINT fk_runs_batch_key FOREIGN KEY(batch_key) REFERENCES batches ("key"), 
	CONSTRAINT fk_runs_domain_id FOREIGN KEY(domain_id) REFERENCES domains (id), 
	CONSTRAINT fk_runs_effective_profile_id FOREIGN KEY(effective_profile_id) REFERENCES effective_profiles (id), 
	CONSTRAINT fk_runs_outcome_id FOREIGN KEY(outcome_id) REFERENCES outcomes (id), 
	CONSTRAINT fk_runs_profile_id FOREIGN KEY(profile_id) REFERENCES profiles (id) ON DELETE SET NULL, 
	CONSTRAINT uq_runs_id UNIQUE (id), 
	CONSTRAINT uq_runs_public_id UNIQUE (public_id)
);
INSERT INTO "runs" VALUES(1,'job_8E1gV2KC9GCi3wJmkaQ',NULL,'a.example',1,-2319089887593100058,1,0,0,'2026-11-25 12:00:03.000000','2026-11-25 12:00:04.000000','2026-11-25 12:00:09.000000',5000,1,'w1','',0,1,0,0,2,5,NULL,NULL,-2318404520512004775,'',NULL,'',NULL,'{}',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES(2,'job_8E1gV2ofs2PYxi6NdIM',NULL,'b.example',2,-2319089887593100058,1,0,0,'2026-11-25 12:00:03.000000','2026-11-25 12:00:04.000000','2026-11-25 12:00:09.000000',5000,1,'w1','',0,1,0,0,2,5,NULL,NULL,-2318404520512004775,'',NULL,'',NULL,'{}',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "runs" VALUES(3,'job_8E1gV2ujoLMOyaix5M7',NULL,'c.example',3,NULL,2,0,0,'2026-11-25 11:59:54.000000','2026-11-25 11:59:55.000000','2026-11-25 12:00:00.000000',5000,1,'w1','',0,0,1,0,1,6,NULL,NULL,-7985054482027369288,'',NULL,'',1,'{"tags":["eu"]}',NULL,NULL,NULL,NULL,NULL);
CREATE TABLE schedules (
	id INTEGER NOT NULL, 
	cohort_id INTEGER, 
	tag VARCHAR(255), 
	enabled BOOLEAN NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	interval_days SMALLINT, 
	anchor_date DATE, 
	weekdays JSON NOT NULL, 
	days_of_month JSON NOT NULL, 
	last_day BOOLEAN NOT NULL, 
	time_of_day VARCHAR(5) NOT NULL, 
	timezone VARCHAR(64) NOT NULL, 
	profile_id INTEGER, 
	promote_default BOOLEAN NOT NULL, 
	catch_up BOOLEAN NOT NULL, 
	next_run_at DATETIME, 
	last_run_at DATETIME, 
	last_batch_id VARCHAR(40), 
	last_outcome VARCHAR(16), 
	last_error TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, policy VARCHAR(64), keep VARCHAR(16), 
	CONSTRAINT pk_schedules PRIMARY KEY (id), 
	CONSTRAINT ck_schedules_one_target CHECK ((cohort_id IS NULL) <> (tag IS NULL)), 
	CONSTRAINT fk_schedules_cohort_id FOREIGN KEY(cohort_id) REFERENCES cohorts (id) ON DELETE CASCADE, 
	CONSTRAINT fk_schedules_last_batch_id FOREIGN KEY(last_batch_id) REFERENCES batches (id) ON DELETE SET NULL, 
	CONSTRAINT fk_schedules_profile_id FOREIGN KEY(profile_id) REFERENCES profiles (id) ON DELETE SET NULL, 
	CONSTRAINT fk_schedules_tag FOREIGN KEY(tag) REFERENCES tags (name) ON DELETE CASCADE, 
	CONSTRAINT uq_schedules_cohort_id UNIQUE (cohort_id), 
	CONSTRAINT uq_schedules_tag UNIQUE (tag)
);
CREATE TABLE schema_compatibility (
	revision VARCHAR(32) NOT NULL, 
	compatible_from VARCHAR(32) NOT NULL, 
	CONSTRAINT pk_schema_compatibility PRIMARY KEY (revision)
);
INSERT INTO "schema_compatibility" VALUES('0067','0029');
CREATE TABLE settings (
	"key" VARCHAR(255) NOT NULL, 
	value JSON NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_settings PRIMARY KEY ("key")
);
CREATE TABLE share_links (
	digest VARCHAR(71) NOT NULL, 
	run_key INTEGER NOT NULL, 
	created_by TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	revoked_at DATETIME, 
	CONSTRAINT pk_share_links PRIMARY KEY (digest), 
	CONSTRAINT fk_share_links_run_key_runs FOREIGN KEY(run_key) REFERENCES runs ("key") ON DELETE CASCADE
);
CREATE TABLE snapshot_asns (
	view_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	asn BIGINT NOT NULL, 
	label TEXT NOT NULL, 
	domain_count INTEGER NOT NULL, 
	address_count INTEGER NOT NULL, 
	nameserver_count INTEGER NOT NULL, 
	prefix_count INTEGER NOT NULL, 
	ipv4_count INTEGER NOT NULL, 
	ipv6_count INTEGER NOT NULL, 
	latency_p50_ms FLOAT, 
	latency_p95_ms FLOAT, 
	latency_samples BIGINT NOT NULL, 
	CONSTRAINT pk_snapshot_asns PRIMARY KEY (view_id, position), 
	CONSTRAINT fk_snapshot_asns_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE
);
CREATE TABLE snapshot_comparisons (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	from_view_id INTEGER NOT NULL, 
	to_view_id INTEGER NOT NULL, 
	basis VARCHAR(64) NOT NULL, 
	made_at DATETIME NOT NULL, 
	summary BLOB NOT NULL, 
	clusters BLOB NOT NULL, 
	added BLOB NOT NULL, 
	removed BLOB NOT NULL, 
	grade_changed BLOB NOT NULL, 
	level_changed BLOB NOT NULL, 
	moved BLOB NOT NULL, causes_changed BLOB, 
	CONSTRAINT fk_snapshot_comparisons_from_view_id FOREIGN KEY(from_view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE, 
	CONSTRAINT fk_snapshot_comparisons_to_view_id FOREIGN KEY(to_view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE, 
	CONSTRAINT uq_snapshot_comparisons_from_view_id_to_view_id UNIQUE (from_view_id, to_view_id)
);
CREATE TABLE snapshot_domains (
	view_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	domain_id BIGINT NOT NULL, 
	name VARCHAR(253) NOT NULL, 
	run_id VARCHAR(40) NOT NULL, 
	score SMALLINT, 
	grade VARCHAR(4), 
	worst_level SMALLINT, 
	finished_at DATETIME NOT NULL, 
	nameserver_count INTEGER NOT NULL, 
	endpoint_count INTEGER NOT NULL, 
	asn_count INTEGER NOT NULL, 
	prefix_count INTEGER NOT NULL, 
	ipv4_ns_count INTEGER NOT NULL, 
	ipv6_ns_count INTEGER NOT NULL, 
	dnskey_algo_weakest SMALLINT, 
	dnskey_count INTEGER, 
	dnssec_posture VARCHAR(8) NOT NULL, 
	software_version VARCHAR(255) NOT NULL, 
	operator VARCHAR(128) NOT NULL, 
	operator_asn BIGINT, cause_set_id INTEGER, 
	CONSTRAINT pk_snapshot_domains PRIMARY KEY (view_id, position), 
	CONSTRAINT fk_snapshot_domains_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE
);
CREATE TABLE snapshot_endpoints (
	view_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	nameserver_id INTEGER NOT NULL, 
	address_id INTEGER NOT NULL, 
	nameserver VARCHAR(255) NOT NULL, 
	address VARCHAR(45) NOT NULL, 
	address_order BLOB NOT NULL, 
	family SMALLINT NOT NULL, 
	domain_count INTEGER NOT NULL, 
	asn BIGINT, 
	operator VARCHAR(128) NOT NULL, 
	prefix VARCHAR(49) NOT NULL, 
	latency_p50_ms FLOAT, 
	latency_p95_ms FLOAT, 
	latency_samples BIGINT NOT NULL, 
	CONSTRAINT pk_snapshot_endpoints PRIMARY KEY (view_id, position), 
	CONSTRAINT fk_snapshot_endpoints_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE
);
CREATE TABLE snapshot_members (
	view_id INTEGER NOT NULL, 
	owner SMALLINT NOT NULL, 
	position INTEGER NOT NULL, 
	member SMALLINT NOT NULL, 
	positions BLOB NOT NULL, 
	CONSTRAINT pk_snapshot_members PRIMARY KEY (view_id, owner, position, member), 
	CONSTRAINT fk_snapshot_members_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE snapshot_nameservers (
	view_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	nameserver_id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	domain_count INTEGER NOT NULL, 
	endpoint_count INTEGER NOT NULL, 
	ipv4_count INTEGER NOT NULL, 
	ipv6_count INTEGER NOT NULL, 
	asn_count INTEGER NOT NULL, 
	operator VARCHAR(128) NOT NULL, 
	operator_asn BIGINT, 
	query_count BIGINT NOT NULL, 
	latency_ipv4 FLOAT, 
	latency_ipv6 FLOAT, 
	latency_p50_ms FLOAT, 
	latency_p95_ms FLOAT, 
	latency_samples BIGINT NOT NULL, 
	CONSTRAINT pk_snapshot_nameservers PRIMARY KEY (view_id, position), 
	CONSTRAINT fk_snapshot_nameservers_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE
);
CREATE TABLE snapshot_overviews (
	view_id INTEGER NOT NULL, 
	domain_count INTEGER NOT NULL, 
	nameserver_count INTEGER NOT NULL, 
	endpoint_count INTEGER NOT NULL, 
	asn_count INTEGER NOT NULL, 
	prefix_count INTEGER NOT NULL, 
	top_tags BLOB NOT NULL, 
	top_nameservers BLOB NOT NULL, 
	top_asns BLOB NOT NULL, 
	fact_distributions BLOB NOT NULL, 
	CONSTRAINT pk_snapshot_overviews PRIMARY KEY (view_id), 
	CONSTRAINT fk_snapshot_overviews_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE
);
CREATE TABLE snapshot_prefixes (
	view_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	prefix VARCHAR(49) NOT NULL, 
	family SMALLINT NOT NULL, 
	domain_count INTEGER NOT NULL, 
	address_count INTEGER NOT NULL, 
	asn BIGINT, 
	asn_label TEXT NOT NULL, 
	CONSTRAINT pk_snapshot_prefixes PRIMARY KEY (view_id, position), 
	CONSTRAINT fk_snapshot_prefixes_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE
);
CREATE TABLE snapshot_tags (
	view_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	tag VARCHAR(64) NOT NULL, 
	module VARCHAR(32) NOT NULL, 
	testcase VARCHAR(32) NOT NULL, 
	level SMALLINT NOT NULL, 
	domain_count INTEGER NOT NULL, 
	occurrence_count BIGINT NOT NULL, 
	CONSTRAINT pk_snapshot_tags PRIMARY KEY (view_id, position), 
	CONSTRAINT fk_snapshot_tags_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE
);
CREATE TABLE snapshot_testcases (
	view_id INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	module VARCHAR(32) NOT NULL, 
	testcase VARCHAR(32) NOT NULL, 
	domain_count INTEGER NOT NULL, 
	entry_count BIGINT NOT NULL, 
	worst_level SMALLINT NOT NULL, 
	CONSTRAINT pk_snapshot_testcases PRIMARY KEY (view_id, position), 
	CONSTRAINT fk_snapshot_testcases_view_id FOREIGN KEY(view_id) REFERENCES snapshot_views (id) ON DELETE CASCADE
);
CREATE TABLE snapshot_views (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	snapshot_id INTEGER, 
	builder TEXT NOT NULL, 
	lease_until DATETIME, 
	created_at DATETIME NOT NULL, 
	fact_rows BIGINT, 
	CONSTRAINT fk_snapshot_views_snapshot_id FOREIGN KEY(snapshot_id) REFERENCES cohort_snapshots (id) ON DELETE SET NULL
);
CREATE TABLE tag_summaries (
	tag VARCHAR(255) NOT NULL, 
	signature BLOB NOT NULL, 
	checked_at DATETIME NOT NULL, 
	domain_count INTEGER NOT NULL, 
	ok INTEGER NOT NULL, 
	notice INTEGER NOT NULL, 
	warning INTEGER NOT NULL, 
	error INTEGER NOT NULL, 
	critical INTEGER NOT NULL, 
	grades JSON NOT NULL, 
	CONSTRAINT pk_tag_summaries PRIMARY KEY (tag), 
	CONSTRAINT fk_tag_summaries_tag FOREIGN KEY(tag) REFERENCES tags (name) ON DELETE CASCADE
);
CREATE TABLE tag_value_tables (
	batch_key BIGINT NOT NULL, 
	tag VARCHAR(64) NOT NULL, 
	argument VARCHAR(255) NOT NULL, 
	most BLOB NOT NULL, 
	worst BLOB, 
	shared BLOB, 
	CONSTRAINT pk_tag_value_tables PRIMARY KEY (batch_key, tag, argument), 
	CONSTRAINT fk_tag_value_tables_batch_key FOREIGN KEY(batch_key) REFERENCES batch_statistics (batch_key) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE tags (
	name VARCHAR(255) NOT NULL, 
	description TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	default_profile_id INTEGER, 
	CONSTRAINT pk_tags PRIMARY KEY (name), 
	CONSTRAINT fk_tags_default_profile_id FOREIGN KEY(default_profile_id) REFERENCES profiles (id) ON DELETE SET NULL
);
INSERT INTO "tags" VALUES('eu','','2026-11-25 12:00:00.000000',NULL);
CREATE TABLE vocabularies (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	digest BLOB NOT NULL, 
	levels BLOB NOT NULL, 
	CONSTRAINT uq_vocabularies_digest UNIQUE (digest)
);
CREATE TABLE watch_digests (
	watch_id BIGINT NOT NULL, 
	batch_key BIGINT NOT NULL, 
	summary JSON NOT NULL, 
	CONSTRAINT pk_watch_digests PRIMARY KEY (watch_id, batch_key), 
	CONSTRAINT fk_watch_digests_watch_id FOREIGN KEY(watch_id) REFERENCES watches (id) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE TABLE watch_notes (
	id INTEGER NOT NULL, 
	event VARCHAR(32) NOT NULL, 
	name TEXT NOT NULL, 
	tag VARCHAR(255) NOT NULL, 
	batch_key BIGINT, 
	details JSON NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_watch_notes PRIMARY KEY (id)
);
CREATE TABLE watch_states (
	name VARCHAR(16) NOT NULL, 
	value JSON NOT NULL, 
	version BIGINT NOT NULL, 
	CONSTRAINT pk_watch_states PRIMARY KEY (name)
);
CREATE TABLE watched_batches (
	batch_key BIGINT NOT NULL, 
	CONSTRAINT pk_watched_batches PRIMARY KEY (batch_key), 
	CONSTRAINT fk_watched_batches_batch_key FOREIGN KEY(batch_key) REFERENCES batches ("key") ON DELETE CASCADE
);
CREATE TABLE "watches" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	tag VARCHAR(255), 
	domain VARCHAR(253), 
	events JSON NOT NULL, 
	url TEXT, 
	email VARCHAR(254), 
	host VARCHAR(255) NOT NULL, 
	secret TEXT, 
	min_level VARCHAR(8) NOT NULL, 
	grade_drop SMALLINT NOT NULL, 
	enabled BOOLEAN NOT NULL, 
	after_key BIGINT NOT NULL, 
	failures INTEGER NOT NULL, 
	retry_at DATETIME, 
	mailed_at DATETIME, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL
, kind VARCHAR(16) DEFAULT 'changes' NOT NULL, interval_s INTEGER, hold_down_s INTEGER, ends_at DATETIME, policy VARCHAR(64), transfer BOOLEAN DEFAULT 0 NOT NULL);
CREATE INDEX ix_access_sessions_expires_at ON access_sessions (expires_at);
CREATE INDEX ix_access_sessions_token_digest ON access_sessions (token_digest);
CREATE UNIQUE INDEX uq_access_tokens_label ON access_tokens (label) WHERE revoked_at IS NULL;
CREATE INDEX ix_audit_action ON audit (action);
CREATE INDEX ix_audit_at ON audit (at);
CREATE INDEX ix_batches_created_at ON batches (created_at);
CREATE INDEX ix_batches_domain_count ON batches (domain_count);
CREATE INDEX ix_batches_intent ON batches ("key") WHERE snapshot_intent;
CREATE INDEX ix_batches_tag ON batches (tag);
CREATE INDEX ix_domain_run_counts_by_count ON domain_run_counts (run_count, name, latest_level, domain_id);
CREATE INDEX ix_domains_by_latest_run ON domains (latest_run_id, latest_outcome_id, id);
CREATE INDEX ix_domains_by_level ON domains (latest_level, name, id);
CREATE INDEX ix_domains_by_run_at ON domains (latest_run_at, name, latest_level, id);
CREATE INDEX ix_domains_by_score ON domains (latest_score, name, latest_level, id);
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
CREATE INDEX ix_module_outcome_kinds_module_outcome_id ON module_outcome_kinds (module_outcome_id);
CREATE INDEX ix_outcome_modules_outcome_id ON outcome_modules (outcome_id);
CREATE INDEX ix_registrations_tried_at ON registrations (tried_at);
CREATE INDEX ix_settings_updated_at ON settings (updated_at);
CREATE INDEX ix_deliveries_finished_at ON deliveries (finished_at);
CREATE INDEX ix_deliveries_status_next_attempt_at ON deliveries (status, next_attempt_at);
CREATE INDEX ix_deliveries_watch_id_created_at ON deliveries (watch_id, created_at);
CREATE INDEX ix_jobs_batch_id ON jobs (batch_id);
CREATE INDEX ix_jobs_created_at ON jobs (created_at);
CREATE INDEX ix_jobs_expires_at ON jobs (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX ix_jobs_priority_position ON jobs (priority, position);
CREATE INDEX ix_jobs_profile_id ON jobs (profile_id) WHERE profile_id IS NOT NULL;
CREATE INDEX ix_jobs_status_lease_until ON jobs (status, lease_until);
CREATE INDEX ix_operations_audit_id ON operations (audit_id);
CREATE INDEX ix_operations_created_at ON operations (created_at);
CREATE INDEX ix_operations_status_created_at ON operations (status, created_at);
CREATE INDEX ix_runs_by_created ON runs (created_at DESC, id, finished_at, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_domain ON runs (domain, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_duration_down ON runs (duration_ms DESC, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_entries_up ON runs (entry_count, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_error ON runs (sev_severe DESC, sev_critical DESC, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_id ON runs (id, outcome_id, "key", domain_id, batch_key);
CREATE INDEX ix_runs_by_rank_up ON runs (worst_rank, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_score_down ON runs (score DESC, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_domain_id_finished_at ON runs (domain_id, finished_at);
CREATE INDEX ix_runs_effective_profile_id ON runs (effective_profile_id);
CREATE INDEX ix_runs_grade_finished_at ON runs (grade, finished_at);
CREATE INDEX ix_runs_in_batch_by_domain ON runs (batch_key, domain, findings_hash, status) WHERE batch_key IS NOT NULL;
CREATE INDEX ix_runs_of_batch ON runs (batch_key, started_at);
CREATE INDEX ix_runs_of_batch_by_id ON runs (batch_key, id, outcome_id);
CREATE INDEX ix_runs_of_outcome ON runs (outcome_id, id);
CREATE INDEX ix_runs_profile_id ON runs (profile_id) WHERE profile_id IS NOT NULL;
CREATE INDEX ix_runs_worst_level_finished_at ON runs (worst_level, finished_at);
CREATE INDEX ix_tags_default_profile_id ON tags (default_profile_id);
CREATE INDEX ix_watch_digests_batch_key ON watch_digests (batch_key);
CREATE INDEX ix_cohorts_default_snapshot_id ON cohorts (default_snapshot_id);
CREATE UNIQUE INDEX uq_cohorts_default ON cohorts (is_default) WHERE is_default;
CREATE INDEX ix_domain_tags_tag_domain_id ON domain_tags (tag, domain_id);
CREATE INDEX ix_cohort_snapshots_batch_key ON cohort_snapshots (batch_key);
CREATE INDEX ix_cohort_snapshots_cohort_id_status_captured_at ON cohort_snapshots (cohort_id, status, captured_at);
CREATE INDEX ix_cohort_snapshots_profile_id ON cohort_snapshots (profile_id);
CREATE INDEX ix_cohort_snapshots_view_id ON cohort_snapshots (view_id);
CREATE INDEX ix_cohort_snapshots_vocabulary_id ON cohort_snapshots (vocabulary_id);
CREATE INDEX ix_purged_snapshots_batch_key ON purged_snapshots (batch_key);
CREATE INDEX ix_schedules_last_batch_id ON schedules (last_batch_id);
CREATE INDEX ix_schedules_next_run_at ON schedules (next_run_at);
CREATE INDEX ix_schedules_profile_id ON schedules (profile_id);
CREATE INDEX ix_snapshot_views_snapshot_id ON snapshot_views (snapshot_id);
CREATE UNIQUE INDEX ix_snapshot_asns_asn ON snapshot_asns (view_id, asn);
CREATE INDEX ix_snapshot_comparisons_made_at ON snapshot_comparisons (made_at);
CREATE INDEX ix_snapshot_comparisons_to_view_id ON snapshot_comparisons (to_view_id);
CREATE INDEX ix_snapshot_domains_asn_count ON snapshot_domains (view_id, asn_count, position);
CREATE INDEX ix_snapshot_domains_endpoint_count ON snapshot_domains (view_id, endpoint_count, position);
CREATE UNIQUE INDEX ix_snapshot_domains_name ON snapshot_domains (view_id, name);
CREATE INDEX ix_snapshot_domains_nameserver_count ON snapshot_domains (view_id, nameserver_count, position);
CREATE INDEX ix_snapshot_domains_prefix_count ON snapshot_domains (view_id, prefix_count, position);
CREATE INDEX ix_snapshot_domains_score ON snapshot_domains (view_id, score, position);
CREATE INDEX ix_snapshot_domains_worst_level ON snapshot_domains (view_id, worst_level, position);
CREATE INDEX ix_snapshot_endpoints_address ON snapshot_endpoints (view_id, address_order, position);
CREATE INDEX ix_snapshot_endpoints_domain_count ON snapshot_endpoints (view_id, domain_count, position);
CREATE INDEX ix_snapshot_endpoints_operator ON snapshot_endpoints (view_id, operator, position);
CREATE INDEX ix_snapshot_endpoints_prefix ON snapshot_endpoints (view_id, prefix, position);
CREATE INDEX ix_snapshot_nameservers_domain_count ON snapshot_nameservers (view_id, domain_count, position);
CREATE INDEX ix_snapshot_nameservers_endpoint_count ON snapshot_nameservers (view_id, endpoint_count, position);
CREATE INDEX ix_snapshot_nameservers_latency_p50_ms ON snapshot_nameservers (view_id, latency_p50_ms, position);
CREATE UNIQUE INDEX ix_snapshot_nameservers_name ON snapshot_nameservers (view_id, name);
CREATE INDEX ix_snapshot_prefixes_address_count ON snapshot_prefixes (view_id, address_count, position);
CREATE INDEX ix_snapshot_prefixes_domain_count ON snapshot_prefixes (view_id, domain_count, position);
CREATE UNIQUE INDEX ix_snapshot_prefixes_prefix ON snapshot_prefixes (view_id, prefix);
CREATE INDEX ix_watches_domain ON watches (domain);
CREATE INDEX ix_watches_tag ON watches (tag);
CREATE INDEX ix_runs_cause_set_id_finished_at ON runs (cause_set_id, finished_at);
CREATE INDEX ix_share_links_run_key ON share_links (run_key);
CREATE INDEX ix_share_links_expires_at ON share_links (expires_at);
CREATE INDEX ix_attempt_logs_ended_at ON attempt_logs (ended_at);
CREATE INDEX ix_runs_repeated ON runs (attempt, finished_at DESC) WHERE attempt > 1;
CREATE INDEX ix_batch_numbers_batch_key ON batch_numbers (batch_key);
CREATE INDEX ix_runs_by_begun_reversed ON runs (begun_at, created_at, id DESC, finished_at, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_finished_reversed ON runs (finished_at, id DESC, created_at, status, worst_level, grade, batch_key, domain_id, outcome_id);
CREATE INDEX ix_runs_by_batch_up_reversed ON runs (batch_key DESC, finished_at, id DESC, created_at, status, worst_level, grade, domain_id, outcome_id, domain);
CREATE INDEX ix_runs_by_batch_down_reversed ON runs (batch_key, finished_at, id DESC, created_at, status, worst_level, grade, domain_id, outcome_id);
CREATE INDEX ix_observed_zones_next_at ON observed_zones (next_at);
CREATE INDEX ix_observed_zones_domain ON observed_zones (domain);
CREATE INDEX ix_cds_decisions_watch_id ON cds_decisions (watch_id);
CREATE INDEX ix_cds_decisions_domain ON cds_decisions (domain);
CREATE INDEX ix_cds_decisions_decided_at ON cds_decisions (decided_at);
CREATE INDEX ix_rollover_spans_watch_id ON rollover_spans (watch_id);
CREATE INDEX ix_rst_checks_created_at ON rst_checks (created_at);
CREATE INDEX ix_runs_by_verdict ON runs (verdict, finished_at DESC, id, policy, batch_key) WHERE verdict IS NOT NULL;
CREATE INDEX ix_runs_verdicts_of_batch ON runs (batch_key, verdict) WHERE verdict IS NOT NULL;
CREATE INDEX ix_analysis_files_snapshot_id_kind ON analysis_files (snapshot_id, kind);
CREATE INDEX ix_analysis_files_view_id ON analysis_files (view_id);
CREATE INDEX ix_projection_claims_snapshot_id ON projection_claims (snapshot_id);
CREATE INDEX ix_runs_by_critical_count ON runs (sev_critical DESC, sev_severe DESC, finished_at DESC, id, status, worst_level, grade, batch_key, domain_id, outcome_id) WHERE sev_critical > 0;
CREATE INDEX ix_runs_unsuccessful ON runs (status, finished_at) WHERE status != 0;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('watches',0);
INSERT INTO "sqlite_sequence" VALUES('entry_kinds',3);
INSERT INTO "sqlite_sequence" VALUES('module_outcomes',2);
INSERT INTO "sqlite_sequence" VALUES('outcomes',2);
INSERT INTO "sqlite_sequence" VALUES('effective_profiles',1);
COMMIT;
