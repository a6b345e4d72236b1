"""Read access for the API and the pages, one file per subject; returns plain documents."""
