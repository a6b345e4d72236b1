"""The page of a finished test, under its public ID or under a link that shares it."""

from flask import Response

from gonemaster_api.ui.public.glossary import glossary
from gonemaster_api.ui.public.result.reading import Result
from gonemaster_api.ui.shell.pages import page
from gonemaster_api.ui.shell.texts.formats import instant_utc, u_label
from gonemaster_api.ui.shell.texts.markdown import result_markdown

_MAX_SHOWN = 1000  # findings on the page; downloads include all


def result_page(result: Result, level: str, *, address: str, json: str, badge: str = "") -> Response:
    """Render the page; `address` and `json` are the URLs of the page and of the result as JSON."""
    run = result.run
    name = u_label(run.domain)
    title = f"{name}: {result.card.grade}, {result.card.score}/100" if result.card else name
    markdown = result_markdown(title, instant_utc(run.finished_at), address, result.banner.words, result.causes)
    return page(
        "public/result/page.html",
        result=result,
        run=run,
        findings=result.findings,
        level=level,
        maximum=_MAX_SHOWN,
        glossary=glossary(),
        address=address,
        json=json,
        badge=badge,
        markdown=markdown,
    )
