"""The formats by the names of `--format`."""

from __future__ import annotations

from collections.abc import Mapping

from gonemaster_engine.cli.formats.csv_rows import CsvFormat
from gonemaster_engine.cli.formats.json_lines import JsonLinesFormat
from gonemaster_engine.cli.formats.junit import JunitFormat
from gonemaster_engine.cli.formats.markdown import MarkdownFormat
from gonemaster_engine.cli.formats.model import Format
from gonemaster_engine.cli.formats.prometheus import PrometheusFormat
from gonemaster_engine.cli.formats.sarif import SarifFormat

FORMATS: Mapping[str, type[Format]] = {
    "csv": CsvFormat,
    "json-lines": JsonLinesFormat,
    "junit": JunitFormat,
    "markdown": MarkdownFormat,
    "prometheus": PrometheusFormat,
    "sarif": SarifFormat,
}
