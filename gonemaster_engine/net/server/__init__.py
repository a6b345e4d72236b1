"""One name server as a run sees it: the health of its paths, the admission of queries, its cached answers."""
