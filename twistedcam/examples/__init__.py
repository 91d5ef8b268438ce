"""User code to begin with: ``twistedcam serve --process twistedcam.examples.motion:motion``.

Each is one small file, made to be copied and changed. See docs/processing.md.
"""
