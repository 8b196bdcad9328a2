"""Two builds side by side: every figure of both, what differs, and where."""
