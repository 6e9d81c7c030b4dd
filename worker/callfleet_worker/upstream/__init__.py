"""The one room for private names of others: what is reached, changed or overridden of theirs."""
