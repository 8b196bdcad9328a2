"""The numeric replay of a build: integers move as rows say; what operators read is compared with a dense run."""
