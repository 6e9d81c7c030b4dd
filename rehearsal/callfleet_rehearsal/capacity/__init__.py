"""How many calls this machine carries within the objectives, and what stands in the way of more."""
