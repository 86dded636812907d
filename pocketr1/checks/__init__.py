"""What a right answer to each exercise must show, one module of checks for each teaching module."""
