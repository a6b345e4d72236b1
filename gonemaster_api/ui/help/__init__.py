"""The pages about findings, served without a documentation site."""
