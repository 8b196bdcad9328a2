"""Tests of the columns, the build folder and how a build is put together."""
