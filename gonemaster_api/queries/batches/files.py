"""The download of a whole batch, in one of three forms."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from gonemaster_api.queries.batches.export import Content, Export, as_csv, as_json_lines, columns_of, rows_of
from gonemaster_api.queries.batches.parquet import as_parquet, check_parquet
from gonemaster_api.state import State
from gonemaster_api.web.streaming import stream

MEDIA_TYPES = {"jsonl": "application/jsonl", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
_WRITERS = {"jsonl": as_json_lines, "csv": as_csv, "parquet": as_parquet}


def export_batch(state: State, batch_id: str, query: Mapping[str, Any]) -> Response:
    """Respond with the rows of a batch as they are read.

    Raises:
        BatchNotFound: the batch does not exist.
        ApiError: 400 invalid_after, 501 not_installed, 503 too_many_streams.
    """
    form, content = query["format"], Content(query["content"])
    if form == "parquet":
        check_parquet()
    rows = rows_of(state, Export(batch_id, content, query.get("after"), query.get("limit")))
    response = stream(state, _WRITERS[form](rows, columns_of(state, content)), mimetype=MEDIA_TYPES[form])
    response.headers["Content-Disposition"] = f"attachment; filename={batch_id}-{content}.{form}"
    return response
