"""The tray menu. It uses only the control port."""
