"""What a broker sends and answers: frames, quotes, orders, symbol masters, REST."""
