"""Small projects with recorded assistant turns; `agent demo` copies one and plays it."""
