"""Code and pictures of the lessons; `python -m docs.lessons` draws the pictures."""
