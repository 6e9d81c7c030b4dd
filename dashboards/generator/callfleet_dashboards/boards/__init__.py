"""The boards: which panels they have, of which queries, and how these are laid out. Pure."""
