"""The documented names of earlier versions for the clients of the control port.

They are now in :mod:`twistedcam.clients.control`.
"""
