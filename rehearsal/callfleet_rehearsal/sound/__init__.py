"""What the rehearsal's parties say, and how they recognise what they hear. No network, no clock."""
