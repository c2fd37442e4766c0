"""The commands of `goalpath`, a module each."""
