"""What the lessons compute, and their pictures; `python -m docs.lessons` draws these again."""
