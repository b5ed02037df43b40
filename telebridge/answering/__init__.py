"""Who is at the other end of a call that was placed: a person, a voice mailbox, or a telephone that screens calls."""
