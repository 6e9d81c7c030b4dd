"""What the rooms of callfleet promise each other. No I/O, and it imports none of them."""
