"""Facts of finished runs in columns: Parquet files with a documented, versioned schema."""
