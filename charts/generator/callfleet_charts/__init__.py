"""What is generated in the charts: schema, README, the operator's rights, the definition."""
