"""Web Push: notifications on the devices of those who use the page."""
