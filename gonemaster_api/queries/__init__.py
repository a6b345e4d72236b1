"""What API and pages read, one file a subject; plain documents come out."""
