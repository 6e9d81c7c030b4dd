"""Between a caller and a model: what is heard, what is said, and when."""
