"""Think each fleet over: at once when it matters, and every few seconds all the same."""
