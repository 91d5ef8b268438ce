"""Clients without any right, each as harmful as it can be, and what viewers notice of them."""
