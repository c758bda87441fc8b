"""Documentation: pages, and the code that makes the reference and draws the figures."""
