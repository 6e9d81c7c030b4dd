"""Scripts that run while an image is built, on the standard library alone."""
