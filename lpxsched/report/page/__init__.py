"""One self-contained page of a build, or of two side by side."""
