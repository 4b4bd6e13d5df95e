"""Accounts and their orders: logins, matching, positions, risk, and a made-up trader."""
