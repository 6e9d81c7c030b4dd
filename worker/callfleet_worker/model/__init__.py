"""The model of a call: which keys and models in which order, and what happens when one fails."""
