"""What the caller says in answer to a question."""
