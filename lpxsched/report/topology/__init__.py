"""A fabric in words and as a picture."""
