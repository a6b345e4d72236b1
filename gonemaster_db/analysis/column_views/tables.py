"""The queries of the tables of a view, with the columns of gonemaster_db.analysis.models.snapshot_tables as stored.

IDs of the registries are 0: objects in files are not registered in the database.
"""

from collections.abc import Mapping

from gonemaster_db.analysis.column_views.staging import LEVEL_CODE
from gonemaster_db.analysis.views.domains import MULTIPLE

_LATENCY = """
    {0}.p50_ms AS latency_p50_ms, {0}.p95_ms AS latency_p95_ms, coalesce({0}.samples, 0) AS latency_samples"""
_OPERATOR = f"""
    CASE WHEN o.first IS NULL THEN '' WHEN o.first <> o.last THEN '{MULTIPLE}' ELSE operators.name END AS operator,
    o.asn AS operator_asn"""
_FACT = "list_filter(categories, lambda c: c.category = '{}')"


def _counts(owner: str, member: str) -> str:
    """Return the query of the number of members of each object."""
    return f'SELECT position, count(*)::INTEGER AS number FROM "{owner}_{member}" GROUP BY position'


_COUNT = "coalesce({0}.number, 0)::INTEGER AS {0}_count"

TABLES: Mapping[str, str] = {
    "snapshot_domains": f"""
        SELECT runs.position, domain_id, facts.domain AS name, run_id, score, grade, {LEVEL_CODE.format("worst_level")}
                AS worst_level, finished_at AT TIME ZONE 'UTC' AS finished_at,
            nameserver_count::INTEGER AS nameserver_count, endpoint_count::INTEGER AS endpoint_count,
            asn_count::INTEGER AS asn_count, prefix_count::INTEGER AS prefix_count,
            ipv4_ns_count::INTEGER AS ipv4_ns_count, ipv6_ns_count::INTEGER AS ipv6_ns_count,
            {_FACT.format("dnskey_algo_weakest")}[-1].key::SMALLINT AS dnskey_algo_weakest,
            CASE WHEN len({_FACT.format("dnskey_algo")}) > 0 THEN
                coalesce(list_sum([c.value FOR c IN {_FACT.format("dnskey_algo")}]), 0)::INTEGER END AS dnskey_count,
            coalesce({_FACT.format("dnssec_posture")}[-1].key, 'none') AS dnssec_posture,
            coalesce({_FACT.format("software_version")}[-1].key, '') AS software_version,{_OPERATOR}, cause_set_id
        FROM facts JOIN runs USING (row) LEFT JOIN domain_operators AS o ON o.domain = runs.position
        LEFT JOIN operators ON operators.operator = o.first
        ORDER BY runs.position""",
    "snapshot_nameservers": f"""
        SELECT position, 0::INTEGER AS nameserver_id, n.name, {_COUNT.format("domain")}, {_COUNT.format("endpoint")},
            coalesce(families.v4, 0)::INTEGER AS ipv4_count, coalesce(families.v6, 0)::INTEGER AS ipv6_count,
            coalesce(o.asns, 0)::INTEGER AS asn_count,{_OPERATOR}, coalesce(whole.samples, 0) AS query_count,
            v4.p50_ms AS latency_ipv4, v6.p50_ms AS latency_ipv6, {_LATENCY.format("whole")}
        FROM nameservers AS n
        LEFT JOIN ({_counts("nameserver", "domain")}) AS domain USING (position)
        LEFT JOIN ({_counts("nameserver", "endpoint")}) AS endpoint USING (position)
        LEFT JOIN (SELECT nameserver, count(*) FILTER (family = 4) AS v4, count(*) FILTER (family = 6) AS v6
            FROM endpoints GROUP BY nameserver) AS families ON families.nameserver = n.position
        LEFT JOIN nameserver_operators AS o ON o.nameserver = n.position
        LEFT JOIN operators ON operators.operator = o.first
        LEFT JOIN nameserver_times AS whole ON whole.key = n.position
        LEFT JOIN nameserver_times4 AS v4 ON v4.key = n.position
        LEFT JOIN nameserver_times6 AS v6 ON v6.key = n.position
        ORDER BY position""",
    "snapshot_endpoints": f"""
        SELECT position, 0::INTEGER AS nameserver_id, 0::INTEGER AS address_id, e.name AS nameserver, address,
            ordered AS address_order, family, {_COUNT.format("domain")}, nullif(origin.asn, 0) AS asn,
            coalesce(operators.name, '') AS operator, coalesce(prefixes.prefix, '') AS prefix, {_LATENCY.format("t")}
        FROM (SELECT * FROM endpoints) AS e
        LEFT JOIN ({_counts("endpoint", "domain")}) AS domain USING (position)
        LEFT JOIN address_origins AS origin USING (address)
        LEFT JOIN asns ON asns.asn = origin.asn LEFT JOIN operators ON operators.operator = asns.operator
        LEFT JOIN (SELECT position AS at, prefix FROM prefixes) AS prefixes ON prefixes.at = origin.prefix
        LEFT JOIN endpoint_times AS t ON t.key = position
        ORDER BY position""",
    "snapshot_asns": f"""
        SELECT position, asns.asn, label, {_COUNT.format("domain")}, coalesce(a.addresses, 0)::INTEGER AS address_count,
            {_COUNT.format("nameserver")}, {_COUNT.format("prefix")}, coalesce(a.v4, 0)::INTEGER AS ipv4_count,
            coalesce(a.v6, 0)::INTEGER AS ipv6_count, {_LATENCY.format("t")}
        FROM asns
        LEFT JOIN ({_counts("asn", "domain")}) AS domain USING (position)
        LEFT JOIN ({_counts("asn", "nameserver")}) AS nameserver USING (position)
        LEFT JOIN ({_counts("asn", "prefix")}) AS prefix USING (position)
        LEFT JOIN (
            SELECT asn, count(*) AS addresses, count(*) FILTER (family = 4) AS v4, count(*) FILTER (family = 6) AS v6
            FROM (SELECT DISTINCT asn, address, family FROM endpoint_networks) GROUP BY asn) AS a ON a.asn = position
        LEFT JOIN asn_times AS t ON t.key = position
        ORDER BY position""",
    "snapshot_prefixes": f"""
        SELECT position, prefixes.prefix, family, {_COUNT.format("domain")},
            coalesce(a.addresses, 0)::INTEGER AS address_count, single.asn, coalesce(single.label, '') AS asn_label
        FROM prefixes
        LEFT JOIN ({_counts("prefix", "domain")}) AS domain USING (position)
        LEFT JOIN (SELECT prefix, count(DISTINCT address) AS addresses FROM endpoint_networks GROUP BY prefix) AS a
            ON a.prefix = position
        LEFT JOIN (
            SELECT found.prefix, any_value(asns.asn) AS asn, any_value(label) AS label
            FROM (SELECT DISTINCT prefix, asn FROM endpoint_networks WHERE asn IS NOT NULL) AS found
            JOIN asns ON asns.position = found.asn GROUP BY found.prefix HAVING count(*) = 1) AS single
            ON single.prefix = position
        ORDER BY position""",
    "snapshot_tags": f"""
        SELECT position, tag, module, testcase, k.level, {_COUNT.format("domain")}, k.occurrences AS occurrence_count
        FROM tags
        LEFT JOIN ({_counts("tag", "domain")}) AS domain USING (position)
        LEFT JOIN (SELECT tag_position, max(code) AS level, sum(occurrences)::BIGINT AS occurrences
            FROM kind_sums GROUP BY tag_position) AS k ON tag_position = position
        ORDER BY position""",
    "snapshot_testcases": f"""
        SELECT position, module, testcase, {_COUNT.format("domain")}, k.occurrences AS entry_count,
            k.level AS worst_level
        FROM testcases
        LEFT JOIN ({_counts("testcase", "domain")}) AS domain USING (position)
        LEFT JOIN (SELECT testcase_position, max(code) AS level, sum(occurrences)::BIGINT AS occurrences
            FROM kind_sums GROUP BY testcase_position) AS k ON testcase_position = position
        ORDER BY position""",
}
