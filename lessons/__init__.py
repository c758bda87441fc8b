"""What the lessons in docs/lessons compute, and their pictures; `python -m lessons` draws these again."""
