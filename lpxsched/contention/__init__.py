"""A build's operators and demands on the same fabric with run-time arbitration: what its timetable is worth.

`moves` says what must be where, `laying` how it goes there, `kernel` runs it event by event, `steps` draws steps.
"""
