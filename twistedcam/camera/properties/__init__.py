"""The properties of a camera: what can be read and set while it runs."""
