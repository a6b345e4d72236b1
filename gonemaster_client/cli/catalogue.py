"""All commands with their arguments. Parser, completion and the reference page are built from this list."""

from collections.abc import Mapping

from gonemaster_client.cli.arguments import (
    STATUSES,
    VERDICTS,
    VIEWS,
    Argument,
    Command,
    arg,
    ds_record,
    duration,
    flag,
    identity,
    level,
    limit,
    listed,
    listed_numbers,
    nameserver,
    number,
    positive,
    repeatable,
)

_JOB, _BATCH, _RUN = identity("ID of the job"), identity("ID of the batch"), identity("ID of the run")
_TAG = identity("name of the tag", "name", "NAME")
_DOMAIN = identity("name of the domain", "name", "NAME")
_VIEW = arg("--view", choices=VIEWS, default="summary", help="what to show of a result (default summary)")
_FILE = repeatable("--file", "FILE", "read names from a file, one per line, plain or gzip; - is standard input")
_STDIN = flag("--stdin", "read names from standard input")
_TIER = arg("--tier", choices=("normal", "batch", "check"), help="only this tier")
_POLICY = arg("--policy", metavar="NAME", help="policy of the verdict (default registration)")
_VERDICT = arg("--verdict", choices=VERDICTS, help="only runs with this verdict of their policy")
_KEY = arg("--key", default="", metavar="TEXT", help="idempotency key: the same command with the same key submits once")
_TESTS = repeatable("--tests", "NAME", "run only this test case or module")
_PROFILE = arg("--profile-id", type=positive, metavar="N", help="stored profile of the tests")
_FILTERS = (
    arg("--name", metavar="TEXT", help="part of the name"),
    level("--level", "level of the newest run"),
    limit(100, "domains"),
)
_SIDES = (identity("ID of the earlier one", "a", "A"), identity("ID of the later one", "b", "B"))
_QUIET = flag("--quiet", "print nothing: the exit code is the answer")

_SUBMISSION = (
    repeatable("--domain", "NAME", "domain to test"),
    _FILE,
    _STDIN,
    repeatable("--zone-file", "FILE", "test the delegated names of a zone file, such as CZDS has, plain or gzip"),
    arg(
        "--axfr",
        nargs=2,
        metavar=("SERVER", "ZONE"),
        help="test the delegated names of a zone, from a server ADDRESS[#PORT]; needs gonemaster-client[axfr]",
    ),
    arg("--tsig", metavar="FILE", help="file with the key of the transfer, [ALGORITHM:]NAME:SECRET"),
    arg("--from-tag", metavar="TAG", help="test all domains of a tag; excludes all other sources"),
    repeatable("--tag", "TAG", "add the domains to this tag"),
    _TESTS,
    level("--min-level", "lowest level that is stored"),
    _PROFILE,
    arg("--name", default="", metavar="TEXT", help="name of the batch"),
    arg("--description", default="", metavar="TEXT", help="description of the batch"),
    flag("--snapshot", "the results become snapshots of the cohorts that match"),
    arg("--keep", choices=("full", "findings", "facts"), help="what is kept of the runs once their facts are written"),
    flag("--skip-invalid", "test the valid names, and count the invalid ones"),
    arg(
        "--batch-size",
        type=positive,
        default=1_000_000,
        metavar="N",
        help="submit more names as several batches of at most N (default 1000000, the limit of a server)",
    ),
    _KEY,
    flag("--wait", "wait until all jobs have finished"),
    flag("--per-job", "with --wait, also list the jobs"),
)  # fmt: skip

_OF_SWEEP = (
    repeatable("--tag", "TAG", "add the domains to this tag"),
    _TESTS,
    level("--min-level", "lowest level that is stored"),
    _PROFILE,
    arg("--name", default="", metavar="TEXT", help="name of the batch"),
    arg("--description", default="", metavar="TEXT", help="description of the batch"),
    flag("--snapshot", "the results become snapshots of the cohorts that match"),
    flag("--skip-invalid", "test the valid names, and count the invalid ones"),
    _KEY,
    flag("--wait", "wait until all jobs have finished"),
)

_RULE = (
    arg("--kind", choices=("interval", "weekly", "monthly"), help="how the rule repeats"),
    arg("--interval-days", type=number, metavar="N", help="interval: every N days"),
    arg("--anchor-date", metavar="DATE", help="interval: the first day, YYYY-MM-DD"),
    arg("--weekdays", type=listed, metavar="DAY,...", help="weekly: mon, tue, wed, thu, fri, sat, sun"),
    arg("--days-of-month", type=listed_numbers, metavar="N,...", help="monthly: days from 1 to 28"),
    arg("--last-day", action="store_true", default=None, help="monthly: the last day"),
    arg("--time-of-day", metavar="HH:MM", help="time in the time zone"),
    arg("--timezone", metavar="NAME", help="IANA name of the time zone (default UTC)"),
    _PROFILE,
    arg("--keep", choices=("full", "findings", "facts"), help="what is kept of the runs once their facts are written"),
    arg("--promote-default", action="store_true", default=None, help="each snapshot becomes the default snapshot"),
    arg("--no-catch-up", dest="catch_up", action="store_false", default=None, help="do not run missed batches late"),
    arg("--disabled", dest="enabled", action="store_false", default=None, help="keep the rule, but submit nothing"),
)

COMMANDS: Mapping[str, tuple[str, Mapping[str, Command]]] = {
    "jobs": ("tests of single domains, and submission of batches", {
        "create": Command("jobs.create", "queue a test of one domain", (
            arg("--domain", required=True, metavar="NAME", help="domain to test"),
            level("--min-level", "lowest level that is stored"),
            _TESTS, _PROFILE, repeatable("--tag", "TAG", "add the domain to this tag"),
            flag("--wait", "wait for the result, and show it"), _VIEW,
        )),
        "batch": Command("batches.create", "queue tests of many domains", _SUBMISSION),
        "sweep": Command("sweeps.create", "queue tests of millions of names from a file, which is uploaded in parts", (
            arg("--file", required=True, metavar="FILE", help="names or JSON lines, plain or gzip"),
            arg("--resume", default="", metavar="ID", help="continue this upload, which an earlier command has begun"),
            *_OF_SWEEP,
        )),
        "list": Command("jobs.search", "list waiting, running and finished jobs", (
            arg("--status", choices=STATUSES, help="only jobs with this status"), limit(100, "jobs"),
        )),
        "get": Command("jobs.show", "show a job", (_JOB,)),
        "watch": Command("jobs.watch", "follow a job until it has finished", (_JOB,)),
        "cancel": Command("jobs.cancel", "cancel a waiting or running job", (_JOB,)),
        "purge": Command("jobs.purge", "delete old runs", (
            arg("--older-than", type=number, default=0, metavar="DAYS", help="age; 0 is the setting of the server"),
        )),
    }),
    "domains": ("domains that were tested or tagged", {
        "list": Command("domains.search", "list domains", (
            arg("--tag", metavar="TAG", help="only domains of this tag"), *_FILTERS,
        )),
        "get": Command("domains.show", "show a domain", (_DOMAIN,)),
        "runs": Command("domains.list_runs", "list the runs of a domain", (_DOMAIN, _VERDICT, limit(20, "runs"))),
        "tag": Command("domains.tag", "add a domain to tags", (
            _DOMAIN, arg("tags", nargs="+", metavar="TAG", help="name of a tag, which is created if it does not exist"),
        )),
        "untag": Command("domains.untag", "remove a domain from tags", (
            _DOMAIN, arg("tags", nargs="+", metavar="TAG", help="name of a tag"),
        )),
    }),
    "tags": ("sets of domains", {
        "list": Command("tags.search", "list tags"),
        "create": Command("tags.create", "create a tag", (
            _TAG, arg("--description", default="", metavar="TEXT", help="description of the tag"),
        )),
        "delete": Command("tags.delete", "delete a tag; its domains and their runs remain", (_TAG,)),
        "domains": Command("tags.domains", "list the domains of a tag", (_TAG, limit(100, "domains"))),
        "summary": Command("tags.summary", "count the newest runs of a tag by level and grade", (_TAG,)),
        "add-domains": Command("tags.add_domains", "add domains to a tag", (
            _TAG, arg("domains", nargs="*", metavar="DOMAIN", help="name of a domain"), _FILE, _STDIN,
        )),
    }),
    "runs": ("finished tests", {
        "list": Command("runs.search", "list runs, newest first", (
            arg("--tag", metavar="TAG", help="only runs of domains of this tag"),
            arg("--domain", metavar="TEXT", help="part of the name of the domain"),
            arg("--batch", metavar="ID", help="only runs of this batch"),
            level("--level", "only runs with this worst level"),
            _VERDICT,
            limit(100, "runs"),
        )),
        "get": Command("runs.show", "show a run", (_RUN,)),
        "results": Command("runs.result", "show the result of a run", (_RUN, _VIEW)),
        "diff": Command("diffs.runs", "compare two runs; exit code 1 if they differ", (*_SIDES, _QUIET)),
    }),
    "entries": ("entries of many runs", {
        "query": Command("runs.entries", "list entries; --format csv downloads all of them", (
            arg("--tag", metavar="TAG", help="only domains of this tag"),
            arg("--batch", metavar="ID", help="only runs of this batch"),
            arg("--module", metavar="NAME", help="only this module"),
            arg("--testcase", metavar="NAME", help="only this test case"),
            arg("--entry-tag", metavar="NAME", help="only this message tag"),
            level("--level", "only this level"),
            flag("--latest", "only the newest run of each domain"),
            arg("--limit", type=number, metavar="N",
                help="maximum number of entries; 0 lists all of them (default 100, with --format csv 0)"),
        )),
    }),
    "batches": ("tests of many domains", {
        "list": Command("batches.search", "list batches, newest first", (
            arg("--verdict", choices=VERDICTS, help="only batches with a run that has this verdict of its policy"),
            limit(100, "batches"),
        )),
        "get": Command("batches.show", "show the progress of a batch", (_BATCH,)),
        "watch": Command("batches.watch", "follow a batch until all jobs have finished", (_BATCH,)),
        "cancel": Command("batches.cancel", "cancel all unfinished jobs of a batch", (_BATCH,)),
        "remove": Command("batches.remove", "delete a batch with its results", (
            _BATCH, flag("--cancel-running", "cancel its unfinished jobs first"),
        )),
        "diff": Command("diffs.batches", "compare two batches; exit code 1 if they differ", (
            *_SIDES, flag("--per-domain", "list the findings of each domain"), _QUIET,
            limit(5000, "differing domains that are read"),
        )),
    }),
    "cohorts": ("domain tags that are tracked over time", {
        "list": Command("cohorts.search", "list cohorts"),
        "snapshots": Command("cohorts.snapshots", "list the snapshots of a cohort", (
            identity("tag of the cohort", "tag", "TAG"),
        )),
        "schedules": Command("cohorts.schedules", "list all schedules"),
        "schedule": Command("cohorts.schedule", "show, set or remove the schedule of a cohort", (
            identity("tag of the cohort", "tag", "TAG"),
            arg("action", nargs="?", choices=("show", "set", "remove"), default="show", metavar="set|remove",
                help="set the rule that the options describe, or remove the rule; without it, show the rule"),
            *_RULE,
        )),
    }),
    "cds": ("decisions about DS records that zones request with CDS and CDNSKEY records", {
        "list": Command("observations.decisions", "list decisions, oldest first", (
            arg("--action", choices=("add", "replace", "remove", "refuse"), help="only this action"),
            arg("--reason", metavar="NAME", help="only this reason, such as not_signed"),
            arg("--domain", metavar="NAME", help="only this domain"),
            arg("--tag", metavar="TAG", help="only domains of this tag"),
            arg("--watch-id", type=positive, metavar="N", help="only decisions of this watch"),
            arg("--cursor", type=number, metavar="N", help="only decisions after this ID"),
            limit(100, "decisions"),
        )),
        "get": Command("observations.decision", "show a decision; with --format json also its evidence", (
            identity("ID of the decision"),
        )),
    }),
    "rollovers": ("watched key rollovers", {
        "get": Command("observations.rollover", "show verdict, steps and faults; with --format json the timeline", (
            identity("ID of the watch"),
        )),
    }),
    "report": ("compare two snapshots of a cohort, as Markdown or JSON", {
        "": Command("cohorts.report", "", (
            arg("tag", nargs="?", metavar="TAG", help="tag of a public cohort (default: the default cohort)"),
            arg("--from", dest="before", metavar="SLUG", help="earlier snapshot (default: the one before the later)"),
            arg("--to", dest="after", metavar="SLUG", help="later snapshot (default: the newest)"),
            arg("--min-cluster", type=positive, metavar="N", help="smallest cluster of domains (default 3)"),
            arg("--max-spread", type=positive, metavar="N", help="largest difference within a cluster (default 3)"),
        )),
    }),
    "queue": ("control of the queue", {
        "pause": Command("service.pause", "stop starting jobs", (
            _TIER, arg("--reason", metavar="TEXT", help="shown to all users of the service"),
            arg("--for", dest="duration", type=duration, metavar="DURATION", help="resume automatically after 30m, 2h"),
        )),
        "resume": Command("service.resume", "start jobs again", (_TIER,)),
    }),
    "check": ("check a delegation before it is published; exit code 0 pass, 1 fail, 4 undecided", {
        "": Command("checks.check", "", (
            arg("--domain", required=True, metavar="NAME", help="domain to check"),
            arg("--ns", action="append", required=True, type=nameserver, metavar="NAME[/ADDRESS]",
                help="name server, once for each address; repeatable"),
            arg("--ds", action="append", type=ds_record, metavar="KEYTAG,ALGORITHM,DIGESTTYPE,DIGEST",
                help="DS record; repeatable"),
            _POLICY,
            arg("--deadline", type=positive, metavar="SECONDS", help="time until the answer, 2 to 30 (default 10)"),
            _KEY,
        )),
    }),
    "checks": ("checks of many delegations before they are published", {
        "batch": Command("checks.submit", "queue checks of delegations in JSON lines", (
            arg("--file", metavar="FILE", help="file with one JSON object per line, plain or gzip"),
            flag("--stdin", "read the lines from standard input"),
            _POLICY,
            arg("--name", default="", metavar="TEXT", help="name of the batch"),
            arg("--description", default="", metavar="TEXT", help="description of the batch"),
            _KEY,
            flag("--wait", "wait until all jobs have finished, and list the verdicts"),
        )),
        "verdicts": Command("checks.verdicts", "judge the runs of a batch by a policy", (_BATCH, _POLICY)),
    }),
    "results": ("results of several jobs or of a batch", {
        "": Command("results.show", "", (
            repeatable("--job-id", "ID", "result of this job"),
            arg("--batch-id", metavar="ID", help="results of all finished jobs of this batch"),
            _VIEW,
            flag("--aggregate", "count levels and message tags over all results"),
            arg("--split-dir", metavar="DIR", help="write each result to a file of this folder"),
        )),
    }),
    "login": ("store a token for a server in the configuration of the user", {
        "": Command("service.login", "", (
            flag("--stdin", "read the token from standard input instead of asking for it"),
        )),
    }),
    "logout": ("delete the stored token of a server", {"": Command("service.logout", "")}),
    "completion": ("print a script for completion in a shell", {
        "": Command("service.completion", "", (
            arg("shell", choices=("bash", "zsh", "tcsh"), help="the shell that reads the script"),
        )),
    }),
}  # fmt: skip


def every_command() -> Mapping[str, Command]:
    """Return all commands by their words, such as `jobs create`."""
    return {
        f"{group} {name}".strip(): command for group, (_, named) in COMMANDS.items() for name, command in named.items()
    }


def arguments_of(command: Command) -> tuple[Argument, ...]:
    """Return the arguments of a command: positional ones first."""
    return tuple(sorted(command.arguments, key=lambda each: each.names[0].startswith("-")))
