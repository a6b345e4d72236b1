"""Reference lists for cohorts: the bundled ones, and newer ones if fetching is enabled."""
