"""What a person does to a whole campaign, over a store: clones it, exports and imports it, deletes it."""
