"""Reach the API server and the workers: connections, requests, and what their errors mean."""
