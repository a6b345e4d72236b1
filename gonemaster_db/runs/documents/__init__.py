"""The stored documents of runs, and the outcomes that runs share."""
