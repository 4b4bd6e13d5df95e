"""Who streams what: a pure machine that decides, and one driver that carries it out."""
