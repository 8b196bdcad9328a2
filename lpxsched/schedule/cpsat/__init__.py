"""CP-SAT on collectives: new times on ways at hand (`times`), and ways and times together (`ways`)."""
