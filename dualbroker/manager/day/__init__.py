"""The start and the day's turn: logins, what config.yaml subscribes, what is made new each morning."""
