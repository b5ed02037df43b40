"""Where what must outlive a process is kept: SQLite in one file by default, PostgreSQL for several machines."""
