"""A zone file before it is published: read, served inside this process, and tested as if it were delegated."""
