"""Names and recordings of Zonemaster."""
