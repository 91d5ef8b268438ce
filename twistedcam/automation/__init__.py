"""Events that are kept, and what follows from them: hooks, recordings, schedules."""
