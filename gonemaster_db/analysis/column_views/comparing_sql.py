"""The statements that compare two views.

The tables `before_domains` and `after_domains` have `position`, `name`, `score`, `grade`, `level` (its code) and
`causes` of all domains; `before_tags` and `after_tags` have the domains `other` of the message tag at `position`.
`keys` has the message tags of both views: the positions `b` and `a`, and what it means for a domain that the tag
appeared, was cleared, or stayed with another level: points and kind of the change.
"""

from collections.abc import Mapping

from gonemaster_db.analysis.comparison import CRITICAL_CODE, OK_CODE

DOMAINS = "position INTEGER, name VARCHAR, score SMALLINT, grade VARCHAR, level SMALLINT, causes INTEGER"
TAGS = "position INTEGER, other INTEGER"
KEYS = (
    "key INTEGER, b INTEGER, a INTEGER, appeared_points DOUBLE, appeared_kind UTINYINT, cleared_points DOUBLE,"
    " cleared_kind UTINYINT, changed_points DOUBLE, changed_kind UTINYINT, is_changed BOOLEAN"
)


def _rounded(number: str) -> str:
    """Return the expression that rounds half away from zero, tolerating floating-point error."""
    return f"(sign({number}) * floor(abs({number}) + 0.5 + 1e-9))::INTEGER"


def _explained(cap: int) -> str:
    """Return the expression of gonemaster_db.analysis.comparison.explained_change."""
    points = _rounded("points")
    return f"""CASE
        WHEN NOT was_critical AND is_critical THEN -{_rounded(f"greatest(points, (old - {cap})::DOUBLE)")}
        WHEN was_critical AND NOT is_critical THEN -{_rounded(f"least(points, ({cap} - new)::DOUBLE)")}
        WHEN was_critical AND is_critical THEN greatest(least(0, new - old), least(greatest(0, new - old), -{points}))
        ELSE -{points} END"""


def tables(cap: int) -> Mapping[str, str]:
    """Return the statements in order; `cap` is the maximum score of a domain with a CRITICAL entry."""
    return {
        "pairs": f"""
            SELECT b.position AS b, a.position AS a, b.score::INTEGER AS old, a.score::INTEGER AS new,
                b.grade AS old_grade, a.grade AS new_grade, b.causes AS old_causes, a.causes AS new_causes,
                greatest({OK_CODE}, coalesce(b.level, 0)) AS was, greatest({OK_CODE}, coalesce(a.level, 0)) AS now
            FROM before_domains AS b JOIN after_domains AS a USING (name)""",
        "effects": """
            SELECT key, coalesce(was.b, now.b) AS b,
                CASE WHEN was.b IS NULL THEN 1 WHEN now.b IS NULL THEN 2 ELSE 3 END AS effect
            FROM (SELECT key, other AS b FROM before_tags JOIN keys ON keys.b = position
                SEMI JOIN pairs ON pairs.b = other) AS was
            FULL JOIN (SELECT key, pairs.b AS b FROM after_tags JOIN keys ON keys.a = position
                JOIN pairs ON pairs.a = other) AS now USING (key, b)
            WHERE was.b IS NULL OR now.b IS NULL OR key IN (SELECT key FROM keys WHERE is_changed)""",
        "counted": """
            SELECT key, count(*) FILTER (effect = 1) AS appeared, count(*) FILTER (effect = 2) AS cleared
            FROM effects GROUP BY key""",
        "changes": """
            SELECT effects.b AS b,
                sum(CASE effect WHEN 1 THEN appeared_points WHEN 2 THEN cleared_points ELSE changed_points END)
                    AS points,
                bit_or(CASE effect WHEN 1 THEN appeared_kind WHEN 2 THEN cleared_kind ELSE changed_kind END) AS kinds
            FROM effects JOIN keys USING (key) GROUP BY effects.b""",
        "moved": f"""
            SELECT b, a, new - old AS delta, explained,
                CASE kinds WHEN 1 THEN 0 WHEN 2 THEN 1 WHEN 3 THEN 2 ELSE 3 END AS category
            FROM (SELECT *, {_explained(cap)} AS explained FROM (
                SELECT pairs.b AS b, a, old, new, coalesce(points, 0) AS points, coalesce(kinds, 0) AS kinds,
                    was >= {CRITICAL_CODE} AS was_critical, now >= {CRITICAL_CODE} AS is_critical
                FROM pairs LEFT JOIN changes ON changes.b = pairs.b WHERE old IS NOT NULL AND new IS NOT NULL))
            WHERE new <> old OR explained <> 0 ORDER BY delta, a""",
        "added": "SELECT position FROM after_domains ANTI JOIN pairs ON a = position ORDER BY position",
        "removed": "SELECT position FROM before_domains ANTI JOIN pairs ON b = position ORDER BY position",
        "grade_changed": "SELECT b, a FROM pairs WHERE old_grade IS DISTINCT FROM new_grade ORDER BY b",
        "level_changed": "SELECT b, a FROM pairs WHERE was <> now ORDER BY b",
        "causes_changed": "SELECT b, a FROM pairs WHERE old_causes <> new_causes ORDER BY b",
    }


RESULTS = {"added": 1, "removed": 1, "grade_changed": 2, "level_changed": 2, "causes_changed": 2, "moved": 5}
"""The tables with positions, and their numbers of columns."""
TOTALS = """
    SELECT (SELECT count(*) FROM before_domains), (SELECT count(*) FROM after_domains), count(*),
        count(*) FILTER (old IS NOT NULL AND new IS NOT NULL), count(*) FILTER (new > old),
        count(*) FILTER (new < old), count(*) FILTER (new = old)
    FROM pairs"""
SCORES = "SELECT sum(score)::BIGINT, count(score) FROM {}_domains"
GRADES = "SELECT grade, count(*) FROM {}_domains WHERE grade IS NOT NULL GROUP BY grade ORDER BY grade"
GRADE_CHANGES = """
    SELECT old_grade, new_grade, count(*) FROM pairs WHERE old_grade IS DISTINCT FROM new_grade GROUP BY ALL"""
CATEGORIES = "SELECT category, count(*) FROM moved GROUP BY category"
CAUSES = "SELECT causes, count(*) FROM {}_domains GROUP BY causes"
CAUSE_CHANGES = "SELECT old_causes, new_causes, count(*) FROM pairs WHERE old_causes <> new_causes GROUP BY ALL"

CLUSTERED = ("nameserver", "asn", "prefix")
_VALUES = ("dnssec_posture", "dnskey_algo_weakest", "software_version")


def clusters(schema: str | None, most: int, shown: int) -> str:
    """Return the query of the groups of domains that moved in one direction, largest first.

    Two groups are the same if they have the same number of domains, first domains, and sums of hashes. The result has
    the number of domains, lowest and highest change, the first domains, and the keys: (kind, position or value).
    """
    networks = [
        f"SELECT {at} AS rank, '{kind}' AS kind, position, '' AS text, other, delta"
        f' FROM {schema}."members_{kind}_domain" JOIN shifts ON a = other'
        for at, kind in enumerate(CLUSTERED)
    ]
    values = [
        f"SELECT {at} AS rank, '{name}' AS kind, -1 AS position, {name}::VARCHAR AS text, position AS other, delta"
        f" FROM {schema}.snapshot_domains JOIN shifts ON a = position WHERE {name}::VARCHAR <> ''"
        for at, name in enumerate(_VALUES, start=len(CLUSTERED))
    ]
    return f"""
        SELECT size, any_value(lowest), any_value(highest), first, list({{kind: kind, position: position, text: text}}
            ORDER BY rank, position, text)
        FROM (
            SELECT rank, kind, position, text, count(*) AS size, min(delta) AS lowest, max(delta) AS highest,
                min(other, {shown}) AS first, bit_xor(hash(other)) AS mixed, sum(hash(other + 1)) AS summed
            FROM ({" UNION ALL ".join([*networks, *values])}) GROUP BY rank, kind, position, text)
        WHERE lowest > 0 OR highest < 0
        GROUP BY size, first, mixed, summed ORDER BY size DESC, first LIMIT {most}"""
