"""The dashboard as plain HTML and as text, for readers without a kernel and for a terminal."""
