"""Checks of HTTP requests before they reach Gradio: hosts, origins, sizes, shares, security headers, absent readers."""
