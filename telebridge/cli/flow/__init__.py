"""`telebridge flow`, one module for each command."""
