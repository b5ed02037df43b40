"""What the pages show of calls, flows and campaigns, worked out apart from requests."""
