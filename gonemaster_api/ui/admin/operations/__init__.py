"""Background operations that change many rows: progress and outcome."""
