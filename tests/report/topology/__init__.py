"""Tests of the page of a build, in a browser where it draws."""
