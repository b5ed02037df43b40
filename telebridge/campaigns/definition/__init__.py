"""What a campaign file says, and the plan that follows from it."""
