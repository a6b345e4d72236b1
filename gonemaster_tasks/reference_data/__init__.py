"""Lists that cohorts are compared with: the bundled ones, and newer ones where fetching them is allowed."""
