"""Random histories of a store, and a reference in plain lists that says what every list must answer."""
