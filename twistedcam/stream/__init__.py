"""The newest frame of a camera and its sinks, viewers and shared encoders."""
