"""Tests of two builds side by side."""
