"""What a timetable says to a person: link utilisation, where the time of a layer goes, tables and figures."""
