"""What people read of a campaign: how it stands, why it waits, how long it takes, what came of it."""
