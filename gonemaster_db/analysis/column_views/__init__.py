"""Views in Parquet files: DuckDB builds them from the files with the facts, and reads them for pages."""
