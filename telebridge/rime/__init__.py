"""What Rime says: its parameters, its plain and its JSON websockets."""
