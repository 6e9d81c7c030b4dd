"""Real WebRTC callers, all in one process, light enough to stand beside what they measure."""
