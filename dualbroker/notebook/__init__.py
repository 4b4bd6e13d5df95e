"""The feed in a notebook: widgets that draw the view's state. Imported only when one is asked for."""
