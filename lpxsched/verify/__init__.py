"""The independent checker: it derives what must hold from the files of a build folder alone.

It imports nothing of the compiler but the reader of the folder, units and errors. Where its lines say the
same as lines of the solver or of the workload, that is intended: a mistake made there must not be repeated
here by import.
"""
