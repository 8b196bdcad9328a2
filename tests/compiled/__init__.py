"""Tests of kernels and their machine code."""
