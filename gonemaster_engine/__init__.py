"""DNS engine: a domain name and a profile in, a result out. Knows nothing of jobs, stores or the web."""
