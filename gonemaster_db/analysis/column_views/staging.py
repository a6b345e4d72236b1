"""The statements that number all objects of a snapshot, and relate them to its domains.

All statements read the view `facts`, the rows of the files of a snapshot, which `row` numbers. Each statement makes one
table that later statements and the tables of the view read. Positions count the objects of a kind in their natural
order, from 0; texts are compared byte by byte, as in Python and in PostgreSQL's collation "C".

`runs` has the run that counts of each domain: the last one that finished. The tables of ORDERED have the bytes by which
addresses and prefixes are sorted, which Python computes. A response time is stored in microseconds.
"""

from collections.abc import Mapping

from gonemaster_db.core.levels import LEVELS

_LEVELS = ", ".join(f"'{level}'" for level in LEVELS)
LEVEL_CODE = f"(list_position([{_LEVELS}], {{}}) - 1)::SMALLINT"
"""The code of a level (gonemaster_db.core.levels); null for null and for an unknown level."""


def _of_runs(columns: str) -> str:
    """Return the query of some columns of the runs that count, with the position of each domain."""
    return f"SELECT runs.position AS domain, {columns} FROM facts JOIN runs USING (row)"


_FAMILY = "(CASE WHEN contains({}, ':') THEN 6 ELSE 4 END)::SMALLINT"
_POSITION = "(row_number() OVER (ORDER BY {}) - 1)::INTEGER AS position"

ORDERED = frozenset({"address_orders", "prefix_orders"})
"""Tables whose query returns texts, to which Python adds their order."""
STAGED: Mapping[str, str] = {
    "sorted_runs": "SELECT domain, row FROM facts ORDER BY domain, finished_at, run_id, projected_at",
    "runs": """
        SELECT row, (row_number() OVER () - 1)::INTEGER AS position
        FROM (SELECT row, domain, lead(domain) OVER () AS following FROM sorted_runs)
        WHERE following IS DISTINCT FROM domain""",
    # Findings
    "kinds": f"""
        SELECT DISTINCT coalesce(f.module, '') AS module, coalesce(f.testcase, '') AS testcase, f.tag AS tag,
            f.level AS level
        FROM ({_of_runs("unnest(findings) AS f")})""",
    "tags": f"""
        SELECT tag, testcase, module, {_POSITION.format("tag, testcase, module")}
        FROM (SELECT DISTINCT tag, testcase, module FROM kinds)""",
    "testcases": f"""
        SELECT module, testcase, {_POSITION.format("module, testcase")}
        FROM (SELECT DISTINCT module, testcase FROM kinds WHERE testcase <> '')""",
    "numbered_kinds": f"""
        SELECT kinds.*, tags.position AS tag_position, testcases.position AS testcase_position,
            {LEVEL_CODE.format("level")} AS code, (row_number() OVER () - 1)::SMALLINT AS kind
        FROM kinds JOIN tags USING (tag, testcase, module) LEFT JOIN testcases USING (module, testcase)""",
    "domain_kinds": f"""
        SELECT domain, kind, f.count AS occurrences FROM ({_of_runs("unnest(findings) AS f")})
        JOIN numbered_kinds AS k
            ON k.tag = f.tag AND k.level = f.level AND k.module = coalesce(f.module, '')
            AND k.testcase = coalesce(f.testcase, '')""",
    # Name servers and their addresses
    "pairs": f"""
        SELECT e.nameserver AS nameserver, coalesce(e.address, '') AS address
        FROM ({_of_runs("unnest(endpoints) AS e")}) GROUP BY ALL""",
    "nameservers": f"""
        SELECT nameserver AS name, {_POSITION.format("nameserver")} FROM (SELECT DISTINCT nameserver FROM pairs)""",
    "address_orders": "SELECT DISTINCT address FROM pairs WHERE address <> ''",
    "addresses": f"""
        SELECT text AS address, ordered, {_FAMILY.format("text")} AS family FROM address_orders""",
    "endpoints": f"""
        SELECT name, nameservers.position AS nameserver, address, ordered, family,
            {_POSITION.format("nameservers.position, ordered")}
        FROM pairs JOIN nameservers ON name = nameserver JOIN addresses USING (address)""",
    "numbered_pairs": """
        SELECT pairs.nameserver AS name, pairs.address AS address, nameservers.position AS nameserver,
            endpoints.position AS endpoint
        FROM pairs JOIN nameservers ON nameservers.name = pairs.nameserver
        LEFT JOIN endpoints ON endpoints.nameserver = nameservers.position AND endpoints.address = pairs.address""",
    "domain_endpoints": f"""
        SELECT domain, numbered_pairs.nameserver AS nameserver, endpoint,
            round_even(e.avg_ms::DOUBLE * 1000, 0)::BIGINT AS us, e.responses AS responses,
            coalesce(e.unreachable, false) AS unreachable
        FROM ({_of_runs("unnest(endpoints) AS e")})
        JOIN numbered_pairs ON name = e.nameserver AND address = coalesce(e.address, '')""",
    # Networks
    "origins": f"""
        SELECT address, asn, prefix, count(*) AS seen FROM (
            SELECT o.address AS address, coalesce(o.prefix, '') AS prefix,
                unnest(CASE WHEN len(o.asns) > 0 THEN o.asns ELSE [0] END) AS asn
            FROM ({_of_runs("unnest(origins) AS o")}))
        GROUP BY ALL""",
    "prefix_orders": "SELECT DISTINCT prefix FROM origins WHERE prefix <> ''",
    "prefixes": f"""
        SELECT prefix, {_FAMILY.format("prefix")} AS family, {_POSITION.format("ordered")}
        FROM (SELECT text AS prefix, ordered FROM prefix_orders)""",
    "asns": f"""
        SELECT asn, label, dense_rank() OVER (ORDER BY label) AS operator, {_POSITION.format("asn")}
        FROM (SELECT asn, coalesce(nullif(labels.label, ''), 'AS' || asn) AS label FROM (
                SELECT asn FROM origins WHERE asn <> 0
                UNION SELECT a.asn FROM ({_of_runs("unnest(asns) AS a")})
            ) LEFT JOIN labels USING (asn))""",
    "domain_asns": f"""
        SELECT domain, asns.position AS asn FROM ({
        _of_runs('''
            unnest(list_distinct(list_concat([a.asn for a in asns], flatten([o.asns for o in origins])))) AS number''')
    })
        JOIN asns ON asns.asn = number""",
    "domain_prefixes": f"""
        SELECT domain, prefixes.position AS prefix FROM ({
        _of_runs('''
            unnest(list_distinct([o.prefix for o in origins if o.prefix <> ''])) AS text''')
    })
        JOIN prefixes ON prefixes.prefix = text""",
    "address_origins": """
        SELECT address, best.asn AS asn, best.prefix AS prefix FROM (
            SELECT address, min({unknown: asn = 0, seen: -seen, asn: asn, prefix: coalesce(position, -1)}) AS best
            FROM origins LEFT JOIN prefixes USING (prefix) GROUP BY address)""",
    "endpoint_networks": """
        SELECT DISTINCT endpoints.position AS endpoint, nameserver, address, endpoints.family AS family,
            asns.position AS asn, prefixes.position AS prefix
        FROM endpoints JOIN origins USING (address) LEFT JOIN asns USING (asn) LEFT JOIN prefixes USING (prefix)""",
    "domain_operators": """
        SELECT domain, min(operator) AS first, max(operator) AS last,
            CASE WHEN count(*) = 1 THEN min(asns.asn) END AS asn
        FROM domain_asns JOIN asns ON asns.position = domain_asns.asn GROUP BY domain""",
    "nameserver_operators": """
        SELECT nameserver, count(*) AS asns, min(operator) AS first, max(operator) AS last,
            CASE WHEN count(*) = 1 THEN min(asns.asn) END AS asn
        FROM (SELECT DISTINCT nameserver, asn FROM endpoint_networks WHERE asn IS NOT NULL) AS found
        JOIN asns ON asns.position = found.asn GROUP BY nameserver""",
    "operators": "SELECT DISTINCT operator, left(label, 128) AS name FROM asns",
    # Response times: the number of responses for each rounded average of an endpoint
    "times": """
        SELECT endpoint, nameserver, us, sum(responses)::BIGINT AS responses FROM domain_endpoints
        WHERE us IS NOT NULL AND responses > 0 AND endpoint IS NOT NULL GROUP BY ALL""",
}

KIND_SUMS = """
    SELECT kind, any_value(tag_position) AS tag_position, any_value(testcase_position) AS testcase_position,
        any_value(code) AS code, sum(occurrences) AS occurrences
    FROM domain_kinds JOIN numbered_kinds USING (kind) GROUP BY kind"""


def _percentiles(source: str) -> str:
    """Return the query of median and 95th percentile for each key of a query of (key, us, responses).

    A percentile is the smallest average that covers the share of responses (gonemaster_db.analysis.latency).
    """
    return f"""
        SELECT key, min(us) FILTER (reached >= total * 0.5::DOUBLE) / 1000 AS p50_ms,
            min(us) FILTER (reached >= total * 0.95::DOUBLE) / 1000 AS p95_ms, any_value(total)::BIGINT AS samples
        FROM (
            SELECT key, us, sum(n) OVER (PARTITION BY key ORDER BY us ROWS UNBOUNDED PRECEDING)::DOUBLE AS reached,
                sum(n) OVER (PARTITION BY key)::DOUBLE AS total
            FROM (SELECT key, us, sum(responses) AS n FROM ({source}) GROUP BY ALL))
        GROUP BY key"""


_BY_FAMILY = """
    SELECT times.nameserver AS key, us, responses FROM times
    JOIN endpoints ON endpoints.position = endpoint WHERE family = {}"""
LATENCIES: Mapping[str, str] = {
    "endpoint_times": _percentiles("SELECT endpoint AS key, us, responses FROM times"),
    "nameserver_times": _percentiles("SELECT nameserver AS key, us, responses FROM times"),
    "nameserver_times4": _percentiles(_BY_FAMILY.format(4)),
    "nameserver_times6": _percentiles(_BY_FAMILY.format(6)),
    "asn_times": _percentiles("""
        SELECT asn AS key, us, responses FROM times
        JOIN (SELECT DISTINCT endpoint, asn FROM endpoint_networks WHERE asn IS NOT NULL) USING (endpoint)"""),
}
