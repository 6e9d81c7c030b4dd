"""Under which names a call finds in its process what was put there before it."""

SETTINGS_KEY = "settings"
EVENTS_KEY = "events"
