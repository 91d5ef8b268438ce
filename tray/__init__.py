"""The tray: the camera in a corner of the screen. Speaks to the control port alone."""
