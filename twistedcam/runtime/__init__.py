"""The process and the operating system: clocks, files, memory, signals, threads, the log."""
