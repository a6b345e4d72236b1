"""HTTP layer shared by every page and resource: headers, limits, proxies and logs."""
