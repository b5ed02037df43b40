"""What leads a call: flow files, Python flows, and what they ask of the web."""
