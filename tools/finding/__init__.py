"""How files and lines are found: one of the `engines` says which files may match, `grep` what matches in them."""
