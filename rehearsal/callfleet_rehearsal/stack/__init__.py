"""The local stack: a real LiveKit server, the emulator, a worker, callers, and what they cost."""
