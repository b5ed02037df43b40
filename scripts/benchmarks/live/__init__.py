"""Live calls under load: the callers, a Rime, and the servers that are measured, each a process of its own."""
