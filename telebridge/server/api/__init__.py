"""The control API: calls, campaigns and events."""
