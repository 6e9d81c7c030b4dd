"""What people type: rehearse, and up. Each verb has a module with a typer app."""
