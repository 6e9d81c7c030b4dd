"""Do what was decided. Each write can be the last one: what is missing is decided again."""
