"""The parent process of a worker: takes calls, starts a process for each, tells how they go."""
