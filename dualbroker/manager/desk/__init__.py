"""Keeps the desk's books: positions, holdings and limits of every account, read and kept up to date."""
