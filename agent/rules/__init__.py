"""Decisions, as pure functions and tables: which tool a call means, who may run it, when to try again, when to stop."""
