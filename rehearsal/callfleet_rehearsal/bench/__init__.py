"""Workers side by side: the same server, model and callers, one after the other, round by round."""
