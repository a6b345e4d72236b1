"""HTTP for every page and resource: headers, limits, proxies, logs."""
