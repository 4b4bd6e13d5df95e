"""What can be wrong with a broker: the switches, and what each does to orders and answers."""
