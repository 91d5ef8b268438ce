"""Worker processes that deliver frames, so that more than one core is used. Linux."""

from twistedcam.delivery.workers.pool import WorkerPool

__all__ = ["WorkerPool"]
