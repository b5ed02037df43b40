"""The local Rime: its protocols, spoken by a plain voice on this machine."""
