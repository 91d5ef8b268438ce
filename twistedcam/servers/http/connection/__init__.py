"""HTTP connections: requests, replies, routing, access and limits."""
