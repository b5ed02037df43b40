"""`telebridge init`: a project that runs."""
