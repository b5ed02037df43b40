"""Every decision about a campaign, a contact and an attempt, without a database, a clock or a network."""
