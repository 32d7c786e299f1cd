"""PostgreSQL and Valkey from their wheels, run as plain child processes. The door to this package is crm.embedded."""
