"""The CustomResourceDefinition as a file, and what is generated beside it."""
