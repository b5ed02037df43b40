"""Places the calls of campaigns and takes what becomes of them: the shells around the engine."""
