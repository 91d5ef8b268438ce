"""The part of libcamera's bindings that is used."""


class Transform:
    """Mirrors the picture."""

    def __init__(self, hflip=0, vflip=0):
        self.hflip, self.vflip = bool(hflip), bool(vflip)
