"""Tools about cohorts: domain tags whose domains are tracked over time in snapshots."""

from typing import Annotated, Any

from pydantic import Field

from gonemaster_api.mcp.calls import PUBLIC_API, CallFailed, ToolApi, segment
from gonemaster_api.mcp.texts import Text, counts, table

_COHORTS = f"{PUBLIC_API}/analysis/cohorts"
_TOP = 10
_COLUMNS = (
    "source_tag", "label", "analysis_enabled", "public_enabled", "is_default", "materialization_status", "description",
)  # fmt: skip
_OF_CAUSE = ("title", "from_domain_count", "to_domain_count", "domains_appeared", "domains_cleared")
_OF_TAG = ("tag", "testcase", "change", "class", "from_domain_count", "to_domain_count")
_OF_DOMAIN = ("domain", "from_score", "to_score", "delta", "category")

DatasetTag = Annotated[str, Field(min_length=1, max_length=255, description="the domain tag of a cohort")]


async def cohort_list(api: ToolApi, dataset_tag: DatasetTag | None = None) -> str:
    """List the cohorts; with dataset_tag, one cohort and its snapshots."""
    found = await api.get("/analysis/cohorts")
    if dataset_tag is None:
        return table(found, _COLUMNS)
    chosen = [cohort for cohort in found if cohort["source_tag"] == dataset_tag]
    if not chosen:
        raise CallFailed(f"no such cohort: {dataset_tag}; cohorts: {_names(found)}")
    snapshots = await api.get(f"/analysis/cohorts/{chosen[0]['id']}/snapshots")
    columns = ("slug", "label", "status", "is_default", "captured_at", "domain_count")
    return f"{table(chosen, _COLUMNS)}\nSnapshots:\n{table(snapshots, columns)}"


def _names(cohorts: list[dict[str, Any]]) -> str:
    return ", ".join(cohort["source_tag"] for cohort in cohorts) or "none"


async def cohort_schedule_list(api: ToolApi) -> str:
    """List the schedules that test cohorts and domain tags regularly, with the outcome of the last occurrence."""
    found = await api.get("/analysis/schedules")
    columns = ("source_tag", "enabled", "summary", "next_run_at", "last_run_at", "last_outcome", "last_error")
    return table(found, columns)


async def cohort_stats(
    api: ToolApi,
    dataset_tag: DatasetTag,
    snapshot: Annotated[str | None, Field(description="slug of a snapshot; default: the default snapshot")] = None,
) -> str:
    """Show a snapshot of a public cohort: totals, distributions, and the most frequent findings and networks."""
    if snapshot is None:
        cohort = await api.get(f"{_COHORTS}/{segment(dataset_tag)}")
        if cohort["snapshot"] is None:
            return f"The cohort {dataset_tag} has no public snapshot yet."
        snapshot = cohort["snapshot"]["slug"]
    found = await api.get(f"{_COHORTS}/{segment(dataset_tag)}/snapshots/{segment(str(snapshot))}/overview")
    overview = found["overview"]
    lines = [f"{dataset_tag}, snapshot {snapshot}, captured {found['snapshot']['captured_at']}"]
    lines.append(counts(overview["totals"]))
    for each in overview["fact_distributions"]:
        values = {value["label"]: value["count"] for value in each["buckets"]}
        lines.append(f"{each['label']}: {counts(values)}")
    for title, columns in (
        ("top_tags", ("tag", "testcase", "level", "domain_count")),
        ("top_nameservers", ("nameserver", "operator", "domain_count")),
        ("top_asns", ("asn", "label", "domain_count")),
    ):
        lines += [f"{title}:", table(overview[title][:_TOP], columns)]
    return "\n".join(lines)


async def cohort_tag_values(
    api: ToolApi,
    batch_id: Text,
    tag: Annotated[str, Field(description="a message tag")],
    arg: Annotated[str, Field(description="an argument of the message tag, such as ns")],
    min_count: Annotated[int, Field(ge=1)] = 1,
    limit: Annotated[int, Field(ge=1, le=500)] = 50,
    weight_by_score: bool = False,
) -> str:
    """Group the values of one argument of a message tag over a finished batch, with the number of domains."""
    found = await api.get(
        f"/batches/{segment(batch_id)}/tag-values",
        tag=tag, arg=arg, min_count=min_count, limit=limit, weight_by_score=str(weight_by_score).lower(),
    )  # fmt: skip
    rows = [value | {"sample_domains": value["sample_domains"][:3]} for value in found["values"]]
    columns = ("value", "count", *(("avg_score",) if weight_by_score else ()), "sample_domains")
    return table(rows, columns)


async def cohort_report(
    api: ToolApi,
    dataset_tag: DatasetTag,
    begin: Annotated[str | None, Field(alias="from", description="slug; default: the snapshot before `to`")] = None,
    to: Annotated[str | None, Field(description="slug; default: the newest snapshot")] = None,
    limit: Annotated[int, Field(ge=1, le=200, description="domains to list")] = 20,
    min_cluster: Annotated[int | None, Field(ge=1, le=500)] = None,
    max_spread: Annotated[int | None, Field(ge=1, le=100)] = None,
) -> str:
    """Report what changed between two snapshots of a public cohort, and which domains changed for a common reason."""
    path = f"{_COHORTS}/{segment(dataset_tag)}"
    if begin is None or to is None:
        slugs = [each["slug"] for each in (await api.get(f"{path}/snapshots"))["snapshots"]]  # newest first
        to = to or next(iter(slugs), None)
        begin = begin or next(iter(slugs[slugs.index(to) + 1 :] if to in slugs else ()), None)
        if begin is None or to is None:
            return f"The cohort {dataset_tag} has fewer than two public snapshots to compare: {', '.join(slugs)}"
    query = {"from": begin, "to": to, "limit": limit, "min_cluster": min_cluster, "max_spread": max_spread}
    return _report_text(await api.get(f"{path}/report", **query))


def _report_text(found: dict[str, Any]) -> str:
    totals = found["totals"]
    numbers = {
        name: totals[name] for name in ("compared", "improved", "regressed", "identical_score", "added", "removed")
    }
    lines = [
        f"{found['dataset_tag']}: {found['from']['slug']} -> {found['to']['slug']}",
        f"Domains: {counts(numbers)}; mean score {totals['from_mean_score']} -> {totals['to_mean_score']}",
    ]
    if found["engine"]["crossed_engine_versions"] or found["scoring_config_changed"] == "true":
        lines.append("The engine or the scoring changed between the snapshots, which explains some changes.")
    lines += ["Root causes:", table(found["causes"][:_TOP], _OF_CAUSE)]
    tags = sorted(found["tags"], key=lambda tag: -abs(tag["domain_delta"]))
    lines += [f"Findings ({len(tags)} changed):", table(tags[:_TOP], _OF_TAG)]
    lines.append(f"Clusters of domains that changed together ({found['cluster_total']}):")
    for cluster in found["clusters"][:_TOP]:
        common = ", ".join(f"{key['key']} {key['value']}" for key in cluster["keys"])
        span = f"{cluster['min_delta']} to {cluster['max_delta']} points"
        lines.append(f"- {cluster['domain_count']} domains {cluster['direction']} by {span}: {common}")
    return "\n".join([*lines, f"Domains ({found['domain_total']} changed):", table(found["domains"], _OF_DOMAIN)])
