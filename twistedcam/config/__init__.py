"""The options of a server: their definition, the command line, and the configuration file."""
