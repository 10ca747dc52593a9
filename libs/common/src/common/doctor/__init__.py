"""What has to be right before a service may run, line by line: `python -m <package> doctor`."""
