"""From schedules to the tables and documents of a build."""
