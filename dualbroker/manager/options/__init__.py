"""Option chains: which strikes, where the money is, the figures of a chain, and who streams its contracts."""
