"""`telebridge campaign edit`, `clone`, `delete`, `export` and the import of a whole campaign."""
