"""What `read_file` and whoever else reads texts is made of."""
