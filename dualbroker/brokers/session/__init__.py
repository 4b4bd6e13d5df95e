"""One session life for every broker family: it works on a family's `Wire` and on the calls of its login."""
