"""Under which names a call finds what was put there for it: in its process, and in its job."""

SETTINGS_KEY = "settings"
EVENTS_KEY = "events"
RESCUE_ATTRIBUTE = "callfleet.rescue"
"""An attribute of a job whose room an agent was lost in: the caller is told, not just greeted."""
