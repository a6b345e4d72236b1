"""The members of objects: for each kind of object and kind of member one file, sorted by object and member.

`ordinal` counts the rows of a file. The members of an object are consecutive, so a page of them is a range of ordinals,
which row groups are chosen by.
"""

from collections.abc import Mapping

_PAIRS = "SELECT {} AS position, {} AS other FROM {}"
MEMBERS: Mapping[tuple[str, str], str] = {
    ("domain", "nameserver"): _PAIRS.format("domain", "nameserver", "domain_endpoints"),
    ("domain", "endpoint"): _PAIRS.format("domain", "endpoint", "domain_endpoints WHERE endpoint IS NOT NULL"),
    ("domain", "unreachable"): _PAIRS.format(
        "domain", "endpoint", "domain_endpoints WHERE unreachable AND endpoint IS NOT NULL"
    ),
    ("domain", "tag"): _PAIRS.format("domain", "tag_position", "domain_kinds JOIN numbered_kinds USING (kind)"),
    ("nameserver", "domain"): _PAIRS.format("nameserver", "domain", "domain_endpoints"),
    ("nameserver", "endpoint"): _PAIRS.format("nameserver", "position", "endpoints"),
    ("nameserver", "asn"): _PAIRS.format("nameserver", "asn", "endpoint_networks WHERE asn IS NOT NULL"),
    ("endpoint", "domain"): _PAIRS.format("endpoint", "domain", "domain_endpoints WHERE endpoint IS NOT NULL"),
    ("asn", "domain"): _PAIRS.format("asn", "domain", "domain_asns"),
    ("asn", "nameserver"): _PAIRS.format("asn", "nameserver", "endpoint_networks WHERE asn IS NOT NULL"),
    ("asn", "prefix"): _PAIRS.format("asn", "prefix", "endpoint_networks WHERE asn IS NOT NULL AND prefix IS NOT NULL"),
    ("asn", "endpoint"): _PAIRS.format("asn", "endpoint", "endpoint_networks WHERE asn IS NOT NULL"),
    ("prefix", "domain"): _PAIRS.format("prefix", "domain", "domain_prefixes"),
    ("prefix", "endpoint"): _PAIRS.format("prefix", "endpoint", "endpoint_networks WHERE prefix IS NOT NULL"),
    ("prefix", "asn"): _PAIRS.format("prefix", "asn", "endpoint_networks WHERE asn IS NOT NULL AND prefix IS NOT NULL"),
    ("tag", "domain"): _PAIRS.format("tag_position", "domain", "domain_kinds JOIN numbered_kinds USING (kind)"),
    ("testcase", "domain"): _PAIRS.format(
        "testcase_position",
        "domain",
        "domain_kinds JOIN numbered_kinds USING (kind) WHERE testcase_position IS NOT NULL",
    ),
    ("testcase", "tag"): _PAIRS.format(
        "testcase_position", "tag_position", "numbered_kinds WHERE testcase_position IS NOT NULL"
    ),
}


def members_query(pairs: str) -> str:
    """Return the query of the rows of a file: each pair once, in order."""
    return f"""
        SELECT position, other, (row_number() OVER () - 1)::BIGINT AS ordinal FROM (
            SELECT position, other, lag(position) OVER () AS before, lag(other) OVER () AS other_before
            FROM ({pairs} ORDER BY 1, 2))
        WHERE before IS DISTINCT FROM position OR other_before IS DISTINCT FROM other"""
