"""The command line: one file a command, which parses, calls the package, and prints."""
