"""`gonemaster-server demo`: name servers, zones and sample results. No part of the service imports these modules."""
