"""Callers, the Gemini Live emulator, the local stack, the verdict and its report."""
