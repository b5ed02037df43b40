"""Pages for people: the browser phone, calls, flows and campaigns."""
