"""Know how things are: what the API server shows, and what workers say of themselves."""
