"""What all HTTP handlers share: problems, access, bodies, OpenAPI."""
