"""The ``VoiceFleet`` resource: what users write, what the operator answers, and how it is named."""
