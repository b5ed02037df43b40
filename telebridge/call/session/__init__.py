"""Everything a call decides, without doing any of it."""
