"""Examples of user code: ``twistedcam serve --process twistedcam.examples.motion:motion``.

Each is a small file to copy and change. See docs/processing.md.
"""
