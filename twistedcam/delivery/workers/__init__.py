"""More than one core: processes that deliver what one process captures. Linux."""

from twistedcam.delivery.workers.pool import WorkerPool

__all__ = ["WorkerPool"]
