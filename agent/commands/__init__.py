"""What is no front end: filters, demonstrations, diagnoses."""
