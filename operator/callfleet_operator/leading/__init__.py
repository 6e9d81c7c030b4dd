"""See to it that one operator acts: hold a Lease, and stop when it is lost."""
