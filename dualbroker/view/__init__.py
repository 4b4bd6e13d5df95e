"""What is shown, as plain state: no web, no widget. One module draws it, wherever it is shown."""
