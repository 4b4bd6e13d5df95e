"""What carries the simulation: real sockets, memory, the command."""
