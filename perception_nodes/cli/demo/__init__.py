"""``perception demo``: a robot drives a course in simulation, and a report says how well."""
