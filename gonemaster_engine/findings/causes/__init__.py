"""The root causes of a run: the few things that a person must fix, and the entries that each explains."""
